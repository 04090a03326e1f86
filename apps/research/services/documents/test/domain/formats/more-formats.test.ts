/** OpenDocument, e-books, rich text, notebooks, subtitles and titles of reStructuredText as readers see them. */
import { describe, expect, test } from 'vitest'
import { contentOf } from '../../../src/domain/content.ts'
import { formatOf } from '../../../src/domain/formats/formats.ts'
import { zip } from './samples.ts'

async function read(path: string, content: string | Uint8Array) {
  const { title, text, passages } = await contentOf(Buffer.from(content), path)
  return { title, text, passages: passages.map(({ headings, page }) => ({ headings, page })) }
}

const names = ['office', 'text', 'table', 'draw', 'style', 'presentation', 'meta', 'manifest']
const spaces = names.map((name) => `xmlns:${name}="urn:oasis:names:tc:opendocument:xmlns:${name}:1.0"`).join(' ')

describe('OpenDocument', () => {
  const document = (body: string, more: Record<string, string> = {}) =>
    zip({
      'content.xml': `<office:document-content ${spaces}><office:automatic-styles><style:style style:name="H"><style:text-properties text:display="none"/></style:style><style:style style:name="HS"><style:table-properties table:display="false"/></style:style></office:automatic-styles><office:body>${body}</office:body></office:document-content>`,
      ...more,
    })
  const cell = (text: string, more = '') => `<table:table-cell ${more}><text:p>${text}</text:p></table:table-cell>`

  test('text has its headings, tables, notes and boxes, and nothing hidden', async () => {
    const body = `<office:text><text:tracked-changes><text:p>old</text:p></text:tracked-changes><text:h text:outline-level="1">Keel</text:h>
      <text:p>before<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>a note</text:p></text:note-body></text:note><draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame>
      after<text:s text:c="2"/>all<text:tab/>tab<text:line-break/>line <text:ruby><text:ruby-base>東</text:ruby-base><text:ruby-text>とう</text:ruby-text></text:ruby><text:span text:style-name="H">secret</text:span><office:annotation><text:p>comment</text:p></office:annotation></text:p>
      <text:h text:outline-level="2">Masts</text:h><table:table><table:table-row>${cell('Name')}${cell('a')}</table:table-row><table:table-row>${cell('x')}<table:covered-table-cell/></table:table-row></table:table></office:text>`
    const meta = `<office:document-meta ${spaces} xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>On ships</dc:title></office:document-meta>`
    expect(await read('a.odt', document(body, { 'meta.xml': meta }))).toEqual({
      title: 'On ships',
      text: 'Keel\n\nbefore after all\ttab\nline 東\n\na note\n\nbox\n\nMasts\n\nName\ta\nx',
      passages: [{ headings: ['Keel'], page: null }],
    })
  })

  test('sheets have their rows and columns, with days in one form', async () => {
    const row = (inner: string, more = '') => `<table:table-row ${more}>${inner}</table:table-row>`
    const day = cell('15/01/24', 'office:value-type="date" office:date-value="2024-01-15T00:00:00"')
    const repeated = '<table:table-cell table:number-columns-repeated="16000"/>'
    const body = `<office:spreadsheet><table:table table:name="Log">${row(cell('Name') + cell('Day') + repeated)}${row(cell('12.5%') + day)}${row(cell('no'), 'table:visibility="collapse"')}</table:table><table:table table:style-name="HS" table:name="Old">${row(cell('old'))}</table:table></office:spreadsheet>`
    expect(await read('a.ods', document(body))).toMatchObject({
      text: 'Name\tDay\n\n12.5%\t2024-01-15',
      passages: [{ headings: ['Log'], page: 1 }],
    })
  })

  test('slides have their titles and notes', async () => {
    const frame = (text: string, kind = 'outline') =>
      `<draw:frame presentation:class="${kind}"><draw:text-box><text:p>${text}</text:p></draw:text-box></draw:frame>`
    const body = `<office:presentation><draw:page>${frame('Hulls', 'title')}${frame('Frames')}<presentation:notes>${frame('say')}${frame('more')}</presentation:notes></draw:page><draw:page>${frame('Masts', 'title')}</draw:page></office:presentation>`
    expect(await read('a.odp', document(body))).toEqual({
      title: 'Hulls',
      text: 'Hulls\nFrames\nSpeaker notes: say\nmore\n\nMasts',
      passages: [
        { headings: [], page: 1 },
        { headings: ['Masts'], page: 2 },
      ],
    })
  })

  test('that is locked or no OpenDocument is refused', async () => {
    const manifest = `<manifest:manifest ${spaces}><manifest:encryption-data/></manifest:manifest>`
    await expect(read('a.odt', document('', { 'META-INF/manifest.xml': manifest }))).rejects.toMatchObject({
      code: 'DOCUMENTS_FILE_LOCKED',
    })
    await expect(read('a.ods', zip({ a: 'x' }))).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_DAMAGED' })
  })
})

test('e-books are read chapter by chapter in their order', async () => {
  const page = (body: string) =>
    `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>${body}</body></html>`
  const book = (more: Record<string, string> = {}) =>
    zip({
      'META-INF/container.xml':
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/a.opf"/></rootfiles></container>',
      'OPS/a.opf':
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Ships</dc:title></metadata><manifest><item id="a" href="text/one%201.xhtml"/><item id="b" href="../../two.xhtml"/><item id="c" href="cover.xhtml"/></manifest><spine><itemref idref="c"/><itemref idref="b"/><itemref idref="a"/><itemref idref="a"/></spine></package>',
      'OPS/cover.xhtml': page('<img src="x"/>'),
      'OPS/text/one 1.xhtml': page('<h1>Keels</h1><p>oak</p>'),
      'two.xhtml': page('<h1>Masts</h1><p>pine</p><h2>Spars</h2><p>fir</p>'),
      ...more,
    })
  expect(await read('a.epub', book())).toEqual({
    title: 'Ships',
    text: 'Masts\n\npine\n\nSpars\n\nfir\n\nKeels\n\noak',
    passages: [
      { headings: ['Masts'], page: 1 },
      { headings: ['Keels'], page: 2 },
    ],
  })
  const locked = {
    'META-INF/encryption.xml': '<e:encryption xmlns:e="x"><e:CipherReference URI="two.xhtml"/></e:encryption>',
  }
  await expect(read('a.epub', book(locked))).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_LOCKED' })
})

test('rich text is read in its encodings, without what is not shown', async () => {
  const source = String.raw`{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS;}}{\stylesheet{\s1 heading 1;}}{\info{\title On \'e9t\'e9}{\author X}}
{\*\generator Y;}{\header page head}\pard\outlinelevel0 Keel\par
\pard caf\'e9 {\f1 \'ea\'e8\'eb\'fc} {\f2 \'93\'8c\'8b\'9e} \u26481?\u20140\'3f {\v hidden}{\deleted gone}\ldblquote q\rdblquote\~x\_y main\-tenance{\footnote a note}\par
{\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt link}} {\upr{ansi}{\*\ud{uni}}}{\pict\bin5 }}}}}} ab\{\}\\{\*\shppict{\pict 00ff}}\par
\trowd\pard\intbl a\par b\cell c\cell\row\pard end}trailing`
  expect(await read('a.rtf', Buffer.from(source, 'latin1'))).toEqual({
    title: 'On été',
    text: 'Keel\n\ncafé киль 東京 東京 “q” x-y maintenance a note\n\nlink uni ab{}\\\n\na b\tc\n\nend',
    passages: [{ headings: ['Keel'], page: null }],
  })
  for (const broken of ['{\\rtf1 {', 'no rtf', `{\\rtf1${'{'.repeat(5_000)}`])
    await expect(read('a.rtf', broken)).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_DAMAGED' })
})

test('notebooks are read cell by cell, with what the code printed', async () => {
  const cells = [
    { cell_type: 'markdown', source: ['# Keels\n', '<!-- draft -->caf&eacute;'] },
    {
      cell_type: 'code',
      source: 'print(1)',
      outputs: [
        { text: ['1\n'] },
        { data: { 'text/plain': '42', 'image/png': 'AAAA' } },
        { traceback: ['\u001b[31mNameError\u001b[0m'] },
      ],
    },
    { cell_type: 'markdown', source: '## Masts' },
  ]
  expect(await read('a.ipynb', JSON.stringify({ cells }))).toMatchObject({
    title: 'Keels',
    text: '# Keels\ncafé\n\nprint(1)\n\n1\n\n42\n\nNameError\n\n## Masts',
  })
  await expect(read('a.ipynb', '[]')).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_DAMAGED' })
})

test('subtitles are read by the minute, without times, tags and notes', async () => {
  const vtt =
    'WEBVTT\n\nNOTE hidden\n\nSTYLE\n::cue {}\n\nintro\n00:00:01.000 --> 00:00:02.000 align:start\n<v Ann>Lay <i>the</i> keel</v>\n\n00:59.000 --> 01:00.000\nLay &amp; go\n\n01:01:00.000 --> 01:01:02.000\nMast'
  expect(await read('a.vtt', vtt)).toMatchObject({ text: 'Ann: Lay the keel\nLay & go\n\nMast' })
  expect((await read('a.srt', '1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}keel\r\nkeel\r\n\r\n')).text).toBe('keel')
  await expect(read('a.srt', 'no times')).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_DAMAGED' })
})

test('reStructuredText has its titles', async () => {
  const words = 'word '.repeat(150)
  const source = `=====\n Keel\n=====\n\n${words}\n\n*Masts* one\n-----------\n\n${words}\n\nSpars\n~~~~~\n\n${words}\n\nno title\nbut text\n----\n`
  const { title, passages } = await read('a.rst', source)
  expect(title).toBe('Keel')
  expect(passages.map(({ headings }) => headings)).toEqual([[], ['Masts one'], ['Masts one', 'Spars']])
})

test('formatOf() knows files that have a name instead of an extension', () => {
  const typeOf = (path: string) => formatOf(path).type
  expect(['Dockerfile', 'a/Dockerfile.dev', 'Makefile', 'CMakeLists.txt', 'LICENSE', 'README'].map(typeOf)).toEqual([
    'code',
    'code',
    'code',
    'code',
    'text',
    'text',
  ])
  expect(() => typeOf('readme.png')).toThrow()
})

test('logs are read without the colours of a terminal', async () => {
  expect((await read('a.log', '\u001b[1;31mERROR\u001b[0m keel\n')).text).toBe('ERROR keel\n')
})
