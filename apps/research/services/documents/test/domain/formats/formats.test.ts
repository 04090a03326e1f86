/** Every format through the same door: what a reader sees of a file, where it stands, and what is refused by which name. */
import { isError } from '@keelson/kernel'
import { describe, expect, test } from 'vitest'
import { contentOf } from '../../../src/domain/content.ts'
import { docx, pdf, pptx, wordParagraph, xlsx, zip } from './samples.ts'

async function read(path: string, content: string | Uint8Array) {
  const { title, text, passages } = await contentOf(Buffer.from(content), path)
  return { title, text, passages: passages.map((one) => ({ ...one, text: text.slice(one.start, one.end) })) }
}

async function codeOf(path: string, content: string | Uint8Array): Promise<string> {
  try {
    await contentOf(Buffer.from(content), path)
    return 'none'
  } catch (error) {
    return isError(error) ? error.code : String(error)
  }
}

const long = (word: string, count = 150) => `${word} `.repeat(count).trim()

describe('Markdown', () => {
  test('is shown as it stands, in passages under their headings with their lines', async () => {
    const source = `# Ships\n\n${long('hull')}\n\n## Masts\n\n${long('mast')}\n\n### Spars\n\n${long('spar')}\n`
    const { title, text, passages } = await read('a.md', source)
    expect({ title, text }).toEqual({ title: 'Ships', text: source })
    expect(passages.map(({ headings, lines }) => ({ headings, lines }))).toEqual([
      { headings: [], lines: [1, 3] },
      { headings: ['Masts'], lines: [5, 7] },
      { headings: ['Masts', 'Spars'], lines: [9, 11] },
    ])
    expect(passages[1]?.text.startsWith('## Masts')).toBe(true)
  })

  test('puts short sections into one passage under what they share', async () => {
    const source = ['# A', '## B', '### C', 'one', '### D', 'two'].join('\n\n')
    const { passages } = await read('a.md', source)
    expect(passages).toMatchObject([{ headings: [], text: source }])
    const nested = await read('b.md', `# A\n\n${long('x')}\n\n## B\n\n### C\n\none\n\n### D\n\ntwo`)
    expect(nested.passages.map(({ headings }) => headings)).toEqual([[], ['B']])
  })

  test('has no headings in comments, code, HTML and front matter, and shows no comments', async () => {
    const source =
      '---\n# no\n---\n<!--\n# draft\n-->\n````md\n```\n# no\n````\n<pre>\n# no\n\n# no\n</pre>\n<div>\n# no\n</div>\n\n- item\nmore\n---\n# Rope &amp; <b>line</b> {#rope}\n`<!--` <!-- hidden --> seen'
    const { title, text } = await read('a.md', source)
    expect(title).toBe('Rope & line')
    expect(text.split('\n').length).toBe(source.split('\n').length)
    expect(text).not.toMatch(/draft|hidden/)
    expect(text.endsWith('`<!--`  seen')).toBe(true)
    expect((await read('b.mdx', '{/*\n# no\n*/}\n\nTwo\nlines\n===')).title).toBe('Two lines')
    expect(await codeOf('a.md', '<!-- nothing -->')).toBe('DOCUMENTS_FILE_EMPTY')
  })

  test('gives words as they are typed, and stays the same Markdown', async () => {
    const { text } = await read(
      'a.md',
      'caf&eacute; R&amp;D don&#39;t snake\\_case C\\# &lt;b&gt; &amp;lt; 1 &lt; 2\n    &eacute;\n`&eacute;`\n```\n&eacute;\n```',
    )
    expect(text).toBe(
      "café R&D don't snake_case C# &lt;b> &amp;lt; 1 < 2\n    &eacute;\n`&eacute;`\n```\n&eacute;\n```",
    )
  })

  test('does not take a comment in code for a heading', async () => {
    const { passages } = await read('a.md', `# A\n\n\`\`\`sh\n# not this\n\`\`\`\n\n${long('x', 300)}`)
    expect(passages.every(({ headings }) => headings.length === 0)).toBe(true)
  })
})

describe('HTML', () => {
  test('is what a reader sees, under its headings', async () => {
    const { title, text, passages } = await read(
      'a.html',
      `<!doctype html><html><head><title>Ships &amp; boats</title><style>p{}</style><script>var hidden = 1</script></head>
      <body><h1>Ships &amp; boats</h1><p>The <b>keel</b>son ties\n the frames.</p><div hidden>unseen</div>
      <h2>Masts</h2><p>${long('mast')}</p><ul><li>fore</li><li>main</li></ul>
      <table><tr><th>Name</th><th>Height</th></tr><tr><td>fore</td><td>20 m</td></tr></table><pre>a  b\n  c</pre></body></html>`,
    )
    expect(title).toBe('Ships & boats')
    expect(text).toContain('The keelson ties the frames.')
    expect(text).toContain('Name\tHeight\nfore\t20 m')
    expect(text).toContain('a  b\n  c')
    expect(text).toContain('fore\nmain')
    expect(text).not.toMatch(/hidden|unseen|p\{\}|</)
    expect(passages).toMatchObject([{ headings: ['Masts'], page: null, lines: null }])
  })

  test('is read however broken, and not without end', async () => {
    expect((await read('a.html', '<p>open <b>bold <i>both</b> end')).text.trim()).toBe('open bold both end')
    expect(await codeOf('a.html', `${'<div>'.repeat(5_000)}x`)).toBe('DOCUMENTS_FILE_DAMAGED')
    expect(await codeOf('a.html', '<script>only()</script>')).toBe('DOCUMENTS_FILE_EMPTY')
  })
})

describe('HTML as readers see it', () => {
  test('parts words where something stands between them, also in headings', async () => {
    const { title, text } = await read(
      'a.html',
      '<h1>Annual<br>report<div>2024</div> <b>b</b>old</h1><p>su<wbr>per<table><tr><td>a<td>b</table>',
    )
    expect(title).toBe('Annual report 2024 bold')
    expect(text).toBe('Annual report 2024 bold\n\nsuper\n\na\tb')
    expect((await read('a.html', '<h2>open<h1>Next</h1><p>text')).passages[0]?.headings).toEqual(['Next'])
  })

  test('leaves out what is hidden, and readings above characters', async () => {
    const hidden = [
      '<i hidden>x</i>',
      '<i style="color: red; Display:none !important">x</i>',
      '<i style="visibility:hidden">x</i>',
      '<i style="font-size:0px">x</i>',
      '<i style="color:#FFF">x</i>',
      '<b style="background:black"><b style="background:#ffffff"><i style="color:white">x</i></b></b>',
      '<dialog>x</dialog>',
      '<svg><title>x</title></svg>',
      '<!-- x -->',
      '<template>x</template>',
    ]
    const seen =
      '<b style="background:#000"><i style="color:white">on black</i></b> <i style="font-size:0.9em">small</i>'
    const ruby = '<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</ruby>'
    expect((await read('a.html', `<body>${hidden.join('')}${seen} ${ruby}`)).text).toBe('on black small 東京')
  })

  test('is read in the encoding that it names', async () => {
    const bytes = Buffer.from([0xea, 0xe8, 0xeb, 0xfc])
    for (const head of [
      '<meta charset=windows-1251>',
      '<meta content="text/html; charset=cp1251" http-equiv=Content-Type>',
      '<?xml version="1.0" encoding="windows-1251"?><html>',
      '<!-- <meta charset=utf-8> --><meta name=description content="charset=koi8-r"><meta charset="windows-1251">',
    ])
      expect((await read('a.html', Buffer.concat([Buffer.from(head), bytes]))).text).toBe('киль')
    for (const [path, head] of [
      ['a.py', '#!/bin/sh\n# -*- coding: cp1251 -*-\n'],
      ['a.css', '@charset "windows-1251";\n'],
      ['a.xml', "<?xml version='1.0' encoding='windows-1251'?>\n"],
    ] as const)
      expect((await read(path, Buffer.concat([Buffer.from(head), bytes]))).text).toContain('киль')
  })
})

describe('PDF', () => {
  test('is read page by page', async () => {
    const { title, passages } = await read(
      'a.pdf',
      pdf([['The keelson ties the frames', 'of a (wooden) ship.'], ['Iron pigs are ballast.']], {
        title: 'On hulls',
      }),
    )
    expect(title).toBe('On hulls')
    expect(passages.map(({ page, text }) => ({ page, text: text.replaceAll(/\s+/g, ' ').trim() }))).toEqual([
      { page: 1, text: 'The keelson ties the frames of a (wooden) ship.' },
      { page: 2, text: 'Iron pigs are ballast.' },
    ])
  })

  test('gives the characters of fonts that it only names', async () => {
    const font =
      '/Type /Font /Subtype /Type0 /BaseFont /KozMinPro-Regular /Encoding /UniJIS-UTF16-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /KozMinPro-Regular /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> /DW 1000 /FontDescriptor << /Type /FontDescriptor /FontName /KozMinPro-Regular /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >> >>]'
    const source = pdf([['x']])
      .toString('latin1')
      .replace('/Type /Font /Subtype /Type1 /BaseFont /Helvetica', font)
    const text = '<67714eac6e2f> Tj T* ET'
    expect(
      (
        await read(
          'a.pdf',
          Buffer.from(source.replace(/\(x\) Tj T\* ET/, text).replace(/\/Length \d+/, '/Length 57'), 'latin1'),
        )
      ).text,
    ).toBe('東京港')
  })

  test('of pictures alone says so', async () => {
    const picture = 'BI /W 1 /H 1 /CS /G /BPC 8 ID x EI'
    const source = pdf([['scan']])
      .toString('latin1')
      .replace(/BT .* ET/, picture)
      .replace(/\/Length \d+/, `/Length ${picture.length}`)
    expect(await codeOf('a.pdf', Buffer.from(source, 'latin1'))).toBe('DOCUMENTS_FILE_SCANNED')
  })

  test('is refused by name when it is locked, cut short, of pictures only or something else', async () => {
    const locked =
      '\n/Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <' +
      '41'.repeat(32) +
      '> /U <' +
      '42'.repeat(32) +
      '> >> /ID [<41> <41>]'
    expect(await codeOf('a.pdf', pdf([['secret']], { encrypt: locked }))).toBe('DOCUMENTS_FILE_LOCKED')
    expect(await codeOf('a.pdf', pdf([[]]))).toBe('DOCUMENTS_FILE_EMPTY')
    expect(await codeOf('a.pdf', '%PDF-1.4\nnothing')).toBe('DOCUMENTS_FILE_DAMAGED')
    expect(await codeOf('a.pdf', long('no pdf'))).toBe('DOCUMENTS_FILE_DAMAGED')
  })
})

describe('Word', () => {
  test('is read by paragraphs, headings and tables', async () => {
    const cell = (text: string) => `<w:tc>${wordParagraph(text)}</w:tc>`
    const { title, text, passages } = await read(
      'a.docx',
      docx(
        wordParagraph('Laying a keel', 'Kop1') +
          wordParagraph(long('keel')) +
          wordParagraph('Masts', 'Kop2') +
          wordParagraph('The mast &lt;stands&gt;.') +
          `<w:tbl><w:tr>${cell('Name')}${cell('Height')}</w:tr><w:tr>${cell('fore')}${cell('20 m')}</w:tr></w:tbl>`,
        {
          'word/footnotes.xml': `<w:footnotes xmlns:w="w"><w:footnote w:id="1">${wordParagraph('A note on tallow.')}</w:footnote></w:footnotes>`,
        },
      ),
    )
    expect(title).toBe('Laying a keel')
    expect(text).toContain('The mast <stands>.')
    expect(text).toContain('Name\tHeight\nfore\t20 m')
    expect(text).toContain('A note on tallow.')
    expect(passages.map(({ headings }) => headings)).toEqual([[], ['Masts']])
  })
})

describe('PowerPoint', () => {
  test('is read slide by slide, as they are shown, with the notes', async () => {
    const { title, passages } = await read(
      'a.pptx',
      pptx([
        { title: 'Hulls', lines: ['Frames', 'Planks'], notes: 'Mention the keelson.' },
        { title: 'Masts', lines: ['Fore and main'] },
      ]),
    )
    expect(title).toBe('Ship & shore')
    expect(passages.map(({ page, headings, text }) => ({ page, headings, text: text.trim() }))).toEqual([
      { page: 1, headings: ['Hulls'], text: 'Hulls\nFrames\nPlanks\nSpeaker notes: Mention the keelson.' },
      { page: 2, headings: ['Masts'], text: 'Masts\nFore and main' },
    ])
  })
})

describe('Excel', () => {
  test('is read sheet by sheet, rows under the names of their columns', async () => {
    const { passages } = await read(
      'fleet.xlsx',
      xlsx({
        Ships: [
          ['Name', 'Tons', 'Afloat'],
          ['Vasa', 1210, false],
          ['', 7, true],
        ],
        Ports: [['Kiel']],
      }),
    )
    expect(passages.map(({ page, headings, text }) => ({ page, headings, text: text.trim() }))).toEqual([
      { page: 1, headings: ['Ships'], text: 'Name\tTons\tAfloat\n\nVasa\t1210\tFALSE\n\n\t7\tTRUE' },
      { page: 2, headings: ['Ports'], text: 'Kiel' },
    ])
  })

  test('repeats the names of the columns where rows fill several passages', async () => {
    const rows = Array.from({ length: 400 }, (_, at) => [`ship ${at}`, at])
    const { passages } = await read('fleet.xlsx', xlsx({ Ships: [['Name', 'Tons'], ...rows] }))
    expect(passages.length).toBeGreaterThan(2)
    expect(passages.slice(1).every(({ headings }) => headings.join() === 'Ships,Name · Tons')).toBe(true)
  })
})

describe('CSV', () => {
  test('is shown as it stands, rows under the first', async () => {
    const rows = Array.from({ length: 300 }, (_, at) => `"ship, ${at}";${at}`)
    const source = ['Name;Tons', ...rows].join('\r\n')
    const { text, passages } = await read('fleet.csv', source)
    expect(text).toBe(source)
    expect(passages.length).toBeGreaterThan(2)
    expect(passages[1]?.headings).toEqual(['Name · Tons'])
    expect(passages[1]?.text.startsWith('"ship, ')).toBe(true)
    expect(passages[1]?.lines?.[0]).toBe((passages[0]?.lines?.[1] ?? 0) + 1)
  })
})

describe('CSV as programs write it', () => {
  test.each([
    ['sep=;\r\nName;Tons, gross\r\n1;2', 'Name · Tons, gross'],
    ['"sep=|"\nName|Tons\n1|2', 'Name · Tons'],
    ['sep=\t\nName\tTons', 'Name · Tons'],
    ['Name;Tons\n"a, b, c";1,5\n"d, e, f";2,5', 'Name · Tons'],
    ['"Full\nname",Tons\n"a ""b"", c",2', 'Full name · Tons'],
    ['Size,Tons\n5" pipe,2\n6" pipe,3', 'Size · Tons'],
    ['Name,Tons\n"never closed,2\nb,3', 'Name · Tons'],
    ['Name,Tons\ra,2\rb,3', 'Name · Tons'],
  ])('finds the columns of %j', async (source, heading) => {
    const rows = `${source}${source.includes('\r') && !source.includes('\n') ? '\r' : '\n'}`
    const { passages } = await read('a.csv', Buffer.from(`\ufeff${rows}${long('row', 400)}`))
    expect(passages.at(-1)?.headings).toEqual([heading])
  })
})

describe('JSON', () => {
  test('is shown as it stands, and refused when it is none', async () => {
    const source = '{ "title": "Fleet", "ships": ["Vasa"] }'
    expect(await read('a.json', source)).toMatchObject({ title: 'Fleet', text: source })
    expect(await read('a.jsonl', '{"a":1}\n{"b":2}\n')).toMatchObject({ title: 'a' })
    expect(await codeOf('a.json', '{ "title": ')).toBe('DOCUMENTS_FILE_DAMAGED')
    expect(await codeOf('a.jsonl', '{"a":1}\n{"b"')).toBe('DOCUMENTS_FILE_DAMAGED')
    // Escapes are read, lines and the JSON stay.
    const escaped = String.raw`{"a\u00e9": "\u6771\u4eac\nline\ttab \"q\" C:\\new \ud83d\ude00 \u0022 \ud800"}`
    const { text } = await read('a.json', escaped)
    expect(text).toBe(String.raw`{"aé": "東京 line tab \"q\" C:\\new 😀 \u0022 �"}`)
    expect((await read('a.jsonl', `${escaped}\n${escaped}`)).text).toBe(`${text}\n${text}`)
    const commented = '{\n  // for "the" keelson\n  "url": "http://x/*", /* a, ] */\n  "list": [1, 2, ],\n}'
    expect((await read('tsconfig.json', commented)).text).toBe(commented)
    expect(await codeOf('a.json', `${'"\\"'.repeat(200_000)}`)).toBe('DOCUMENTS_FILE_DAMAGED')
    // However deep, it is an answer and no crash.
    expect(await codeOf('a.json', '['.repeat(1_000_000))).toBe('DOCUMENTS_FILE_DAMAGED')
  })
})

describe('E-mail', () => {
  test('is its people, its subject and its text', async () => {
    const { title, text } = await read(
      'a.eml',
      [
        'From: =?utf-8?q?Ma=C3=ABlle?= <m@example.com>',
        'To: Kiel <k@example.com>',
        'Subject: =?utf-8?b?TGF1bmNoIOKAkyBkYXk=?=',
        'Content-Type: multipart/alternative; boundary=x',
        '',
        '--x',
        'Content-Type: text/html; charset=utf-8',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        '<p>The cradle is greased with <b>tallow</b>=2E</p>',
        '--x--',
      ].join('\r\n'),
    )
    expect(title).toBe('Launch – day')
    expect(text).toContain('From: Maëlle <m@example.com>')
    expect(text).toContain('The cradle is greased with tallow.')
  })
})

describe('E-mail in all its forms', () => {
  const mail = (...lines: string[]) => Buffer.from(lines.join('\r\n'), 'latin1')
  const bodyOf = async (...lines: string[]) =>
    (await read('a.eml', mail('Subject: s', ...lines))).text.replace('Subject: s', '').trim()
  const part = (type: string, ...body: string[]) => ['--x', `Content-Type: ${type}`, '', ...body]

  test('gives the form that has the text', async () => {
    const alternative = 'Content-Type: multipart/alternative; boundary="x"'
    const html = part('text/html', '<p>Berth nine is free.</p>')
    expect(await bodyOf(alternative, '', ...part('text/plain', ' '), ...html, '--x--')).toBe('Berth nine is free.')
    expect(
      await bodyOf(
        alternative,
        '',
        ...part('text/plain', 'See HTML'),
        ...part('text/html', `<p>${long('berth', 9)}</p>`),
      ),
    ).toBe(long('berth', 9))
    expect(await bodyOf(alternative, '', ...part('text/plain', 'Berth nine is free.'), ...html, '--x--')).toBe(
      'Berth nine is free.',
    )
    const related = [
      '--y',
      'Content-Type: multipart/related; boundary=x',
      '',
      ...html,
      ...part('image/png', 'x'),
      '--x--',
    ]
    const nested = [
      'Content-Type: multipart/mixed; boundary=z',
      '',
      '--z',
      'Content-Type: multipart/alternative; boundary=y',
      '',
      '--y',
      'Content-Type: text/plain',
      '',
      '',
      ...related,
      '--y--',
      '--z',
      'Content-Type: text/plain',
      '',
      'Footer',
      '--z--',
    ]
    expect(await bodyOf(...nested)).toBe('Berth nine is free.\n\nFooter')
  })

  test('reads each part in its own encoding and packing', async () => {
    const mixed = 'Content-Type: multipart/mixed; boundary=x'
    expect(
      await bodyOf(
        mixed,
        '',
        ...part('text/plain; charset="iso-2022-jp"', '\x1b$BEl5~\x1b(B'),
        ...part('text/plain; charset=windows-1251', '\xea\xe8\xeb\xfc'),
        ...[
          '--x',
          'Content-Type: text/plain; charset=utf-8',
          'Content-Transfer-Encoding: Quoted-Printable',
          '',
          'Gr=C3=BC=',
          '=c3=9fe =XY 100%=',
        ],
        ...['--x', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: BASE64', '', 'w6k=', 'w6g='],
        ...part('text/plain; format=flowed', 'one ', 'line', '> two ', '> quoted'),
        '--x--',
      ),
    ).toBe(
      '東京\n\nкиль\n\nGrüße =XY 100%\n\néè\n\none line\n> two \n> quoted'.replace('two \n> quoted', 'two > quoted'),
    )
    expect(await codeOf('a.eml', mail('Content-Type: text/plain; charset=utf-7', '', '+AGE-'))).toBe(
      'DOCUMENTS_FILE_ENCODING',
    )
  })

  test('reads forwarded messages, and names attachments', async () => {
    const attached = [
      '--x',
      'Content-Type: application/pdf',
      "Content-Disposition: attachment; filename*0*=utf-8''pl%C3%A4; filename*1=ne.pdf",
      '',
      'x',
    ]
    const named = ['--x', 'Content-Type: image/png; name="=?utf-8?b?w6k=?="', '', 'x']
    const forwarded = part(
      'message/rfc822',
      'From: B <b@example.com>',
      'Subject: Inner',
      'Content-Type: text/html',
      '',
      '<b>keel</b>',
    )
    const { text } = await read(
      'a.eml',
      mail(
        'Subject: =?utf-8?q?a?= =?utf-8?q?b?=',
        'To: Crew: "C, D" <c@example.com>, d@example.com;',
        'Content-Type: multipart/mixed;',
        '\tboundary=x',
        '',
        ...attached,
        ...named,
        ...forwarded,
      ),
    )
    expect(text).toBe(
      'To: C, D <c@example.com>, d@example.com\nSubject: ab\nAttachment: pläne.pdf\nAttachment: é\n\nFrom: B <b@example.com>\nSubject: Inner\n\nkeel',
    )
  })

  test('is refused when its parts stand in each other without end', async () => {
    const deep = Array.from({ length: 200 }, (_, at) => [
      `Content-Type: multipart/mixed; boundary=b${at}`,
      '',
      `--b${at}`,
    ]).flat()
    expect(await codeOf('a.eml', mail(...deep, '', 'x'))).toBe('DOCUMENTS_FILE_DAMAGED')
  })
})

describe('plain text', () => {
  test('has the lines of the file in passages that overlap', async () => {
    const source = `${'\n'.repeat(3)}${Array.from({ length: 900 }, (_, at) => `${long('keel', (at % 7) + 1)}\n`).join('')}`
    const { text, passages } = await read('a.txt', source)
    const lineAt = (position: number) => text.slice(0, position).split('\n').length
    expect(passages.length).toBeGreaterThan(5)
    for (const { start, text: own, lines } of passages)
      expect(lines).toEqual([lineAt(start), lineAt(start + own.trimEnd().length - 1)])
  })
})

describe('source code', () => {
  test('keeps blocks whole where they fit, with their lines', async () => {
    const block = (name: string) => `function ${name}() {\n  ${long(name, 100)}\n\n  return ${name}\n}\n`
    const source = [block('hull'), block('mast'), block('keel')].join('\n')
    const { text, passages } = await read('ship.ts', source)
    expect(text).toBe(source)
    expect(passages.map(({ lines }) => lines)).toEqual([
      [1, 11],
      [13, 17],
    ])
  })
})

describe('a packed document', () => {
  const paragraph = wordParagraph('keel')
  test('that has a password is refused', async () => {
    expect(await codeOf('a.docx', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]))).toBe('DOCUMENTS_FILE_LOCKED')
    expect(await codeOf('a.docx', zip({ 'word/document.xml': paragraph }, { flags: 1 }))).toBe('DOCUMENTS_FILE_LOCKED')
  })

  test('that is cut short, no archive, or has another content is refused', async () => {
    const whole = docx(paragraph)
    for (const length of [0, 1, 30, whole.length - 30, whole.length - 1]) {
      const code = await codeOf('a.docx', whole.subarray(0, length))
      expect(code).toBe(length === 0 ? 'DOCUMENTS_FILE_EMPTY' : 'DOCUMENTS_FILE_DAMAGED')
    }
    for (const path of ['a.docx', 'a.pptx', 'a.xlsx'])
      expect(await codeOf(path, zip({ 'other.txt': 'x' }))).toBe('DOCUMENTS_FILE_DAMAGED')
    expect(await codeOf('a.docx', docx('<w:p><w:r>'))).toBe('DOCUMENTS_FILE_DAMAGED')
  })

  test('that unpacks to more than is read is refused before it fills the memory', async () => {
    const bomb = docx(`<w:p><w:t>${' '.repeat(300 * 1024 * 1024)}</w:t></w:p>`)
    expect(bomb.length).toBeLessThan(1024 * 1024)
    expect(await codeOf('a.docx', bomb)).toBe('DOCUMENTS_FILE_BOMB')
  })

  test('whose elements stand in each other without end, or that defines entities, is refused', async () => {
    expect(await codeOf('a.docx', docx('<w:a>'.repeat(2_000)))).toBe('DOCUMENTS_FILE_DAMAGED')
    const entities = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><w:document><w:t>&b;</w:t></w:document>'
    expect(await codeOf('a.docx', zip({ 'word/document.xml': entities }))).toBe('DOCUMENTS_FILE_DAMAGED')
  })
})
