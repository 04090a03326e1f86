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

describe('JSON', () => {
  test('is shown as it stands, and refused when it is none', async () => {
    const source = '{ "title": "Fleet", "ships": ["Vasa"] }'
    expect(await read('a.json', source)).toMatchObject({ title: 'Fleet', text: source })
    expect(await read('a.jsonl', '{"a":1}\n{"b":2}\n')).toMatchObject({ title: 'a' })
    expect(await codeOf('a.json', '{ "title": ')).toBe('DOCUMENTS_FILE_DAMAGED')
    expect(await codeOf('a.jsonl', '{"a":1}\n{"b"')).toBe('DOCUMENTS_FILE_DAMAGED')
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
