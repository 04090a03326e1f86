/** Whatever a file holds, it is read or refused by a name, within bounds of time and memory, and nothing outside of it is looked at. */
import { isError } from '@keelson/kernel'
import { describe, expect, test } from 'vitest'
import { contentOf } from '../../../src/domain/content.ts'
import { docx, pdf, pptx, wordParagraph, xlsx, zip } from './samples.ts'

/** The code of the refusal, or `read`. Anything else than a named refusal is a failure. */
async function outcome(path: string, bytes: Uint8Array): Promise<string> {
  try {
    await contentOf(bytes, path)
    return 'read'
  } catch (error) {
    if (isError(error) && error.code.startsWith('DOCUMENTS_FILE_')) return error.code
    throw error
  }
}

const odf = 'urn:oasis:names:tc:opendocument:xmlns'
const openDocument = (kind: string, body: string) =>
  zip({
    'content.xml': `<office:document-content xmlns:office="${odf}:office:1.0" xmlns:text="${odf}:text:1.0" xmlns:table="${odf}:table:1.0" xmlns:draw="${odf}:drawing:1.0"><office:body><office:${kind}>${body}</office:${kind}></office:body></office:document-content>`,
  })
const epub = (chapter: string) =>
  zip({
    'META-INF/container.xml': `<container xmlns="${odf}:container"><rootfile full-path="a.opf"/></container>`,
    'a.opf':
      '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml"/></manifest><spine><itemref idref="a"/></spine></package>',
    'a.xhtml': chapter,
  })

const samples: Readonly<Record<string, Uint8Array>> = {
  'a.md': Buffer.from(
    '---\ntitle: Keel é\n---\n# Mast\n\n```sh\n# no\n```\n\n<!-- gone --> &eacute; [a](b)\n\n| a | b |\n|---|---|\n',
  ),
  'a.html': Buffer.from(
    '<!doctype html><title>Keel é</title><h1 style="color:#fff;background:#000">Mast</h1><table><tr><td>a&eacute;<td>b</table>',
  ),
  'a.docx': docx(wordParagraph('Keel é', 'Kop1') + wordParagraph('mast')),
  'a.pptx': pptx([{ title: 'Keel é', lines: ['a', 'b'], notes: 'c' }]),
  'a.xlsx': xlsx({
    Ships: [
      ['Name', 'Tons', true],
      ['Vasa', 1210.5, false],
    ],
  }),
  'a.odt': openDocument('text', '<text:h>Keel é</text:h><text:p>mast</text:p>'),
  'a.ods': openDocument(
    'spreadsheet',
    '<table:table table:name="A"><table:table-row><table:table-cell><text:p>keel</text:p></table:table-cell></table:table-row></table:table>',
  ),
  'a.epub': epub('<html xmlns="http://www.w3.org/1999/xhtml"><h1>Keel é</h1><p>mast</p></html>'),
  'a.pdf': pdf([['Keel', 'mast'], ['end']], { title: 'Ships' }),
  'a.rtf': Buffer.from("{\\rtf1\\ansi{\\fonttbl{\\f0\\fcharset204 A;}}\\f0 k\\'ea\\u233?el\\par{\\*\\x y}\\b mast}"),
  'a.ipynb': Buffer.from(
    JSON.stringify({
      cells: [
        { cell_type: 'markdown', source: ['# Keel é\n'] },
        { cell_type: 'code', source: 'x', outputs: [{ text: 'y' }] },
      ],
    }),
  ),
  'a.vtt': Buffer.from('WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Keel &amp; é</v>\n'),
  'a.csv': Buffer.from('\ufeffsep=;\r\nName;"To""ns"\r\n"a\nb";é\r\n'),
  'a.json': Buffer.from('{ // é\n "title": "\\u6771 \\n", "a": [1, 2,], /* x */ }'),
  'a.eml': Buffer.from(
    'Subject: =?utf-8?b?w6k=?=\r\nContent-Type: multipart/alternative; boundary="x"\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\nw6k=\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b>keel</b>\r\n--x--\r\n',
  ),
  'a.rst': Buffer.from('====\nKeel\n====\n\né\n\nMast\n----\n\ntext\n'),
  'a.ts': Buffer.from('// -*- coding: utf-8 -*-\nexport const é = 1\n'),
}

describe.each(Object.entries(samples))('%s', (path, bytes) => {
  test('is read whole, and read or refused by name when it is cut or damaged anywhere', async () => {
    expect(await outcome(path, bytes)).toBe('read')
    for (let length = 0; length < bytes.length; length += 10) await outcome(path, bytes.subarray(0, length))
    // Every byte in turn is another one: some step that shares no factor with most sizes.
    for (let at = 0; at < bytes.length; at += 23) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      await outcome(path, damaged)
    }
  })
})

describe('entities that multiply', () => {
  const laughs = `<!DOCTYPE a [<!ENTITY a "lol">${Array.from({ length: 9 }, (_, at) => `<!ENTITY ${'bcdefghij'[at]} "${`&${'abcdefghi'[at]};`.repeat(10)}">`).join('')}]>`

  test('are refused in every XML', async () => {
    const document = `${laughs}<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>`
    expect(await outcome('a.docx', zip({ 'word/document.xml': document }))).toBe('DOCUMENTS_FILE_DAMAGED')
    expect(await outcome('a.odt', zip({ 'content.xml': `${laughs}<a>&j;</a>` }))).toBe('DOCUMENTS_FILE_DAMAGED')
    const outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    expect(await outcome('a.odt', zip({ 'content.xml': outside }))).toBe('DOCUMENTS_FILE_DAMAGED')
  })

  test('stand for themselves in HTML', async () => {
    const { text } = await contentOf(Buffer.from(`${laughs}<p>&j;</p>`), 'a.html')
    expect(text.length).toBeLessThan(1_000)
  })
})

describe('relations', () => {
  const type = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
  const relations = (...all: [id: string, type: string, target: string, mode?: string][]) =>
    `<Relationships>${all.map(([id, kind, target, mode]) => `<Relationship Id="${id}" Type="${type}/${kind}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ''}/>`).join('')}</Relationships>`

  test('that lead in a circle, out of the archive or nowhere end there', async () => {
    const loops = docx(`<w:p><w:r><c:chart r:id="a"/><c:chart r:id="b"/></w:r></w:p>${wordParagraph('keel')}`, {
      'word/_rels/document.xml.rels': relations(
        ['a', 'chart', 'document.xml'],
        ['b', 'chart', '../../../../etc/passwd'],
        ['c', 'header', 'document.xml'],
        ['d', 'styles', 'nowhere.xml'],
        ['e', 'footer', 'file:///etc/passwd', 'External'],
      ),
    })
    expect((await contentOf(loops, 'a.docx')).text).toBe('keel\n\nkeel')
    const self = zip({ '_rels/.rels': relations(['a', 'officeDocument', '_rels/.rels']) })
    expect(await outcome('a.docx', self)).toBe('DOCUMENTS_FILE_DAMAGED')
  })
})

describe('size', () => {
  test('of ten thousand columns, and of a hundred thousand cells, is read', async () => {
    const wide = await contentOf(Buffer.from(`${Array.from({ length: 10_000 }, (_, at) => at).join(',')}\n1`), 'a.csv')
    expect(wide.passages.every(({ headings }) => headings.join('').length <= 500)).toBe(true)
    const cells = Array.from({ length: 10_000 }, (_, at) => `<c r="${'ABC'[at % 3]}${at}"><v>${at}</v></c>`)
    const sheet = Array.from({ length: 10 }, () => `<row>${cells.join('')}</row>`).join('')
    const parts = {
      'xl/workbook.xml': '<workbook><sheets><sheet name="A" r:id="a"/></sheets></workbook>',
      'xl/_rels/workbook.xml.rels':
        '<Relationships><Relationship Id="a" Type="x/worksheet" Target="a.xml"/></Relationships>',
      'xl/a.xml': `<worksheet><sheetData>${sheet}</sheetData></worksheet>`,
    }
    expect(await outcome('a.xlsx', zip(parts))).toBe('read')
    const far = {
      ...parts,
      'xl/a.xml': `<worksheet>${'<row><c r="XFD1"><v>1</v></c></row>'.repeat(1_000)}</worksheet>`,
    }
    expect((await contentOf(zip(far), 'a.xlsx')).text.length).toBeLessThan(3_000_000)
  })

  test('beyond what any document has is refused', async () => {
    const long = 'keel '.repeat(12 * 1024 * 1024)
    expect(await outcome('a.docx', docx(wordParagraph(long)))).toBe('DOCUMENTS_FILE_TOO_LARGE')
  })

  test('made of signs that open what never closes is read or refused like any other', async () => {
    const signs = [
      '"',
      '<!--',
      '`',
      '&amp;',
      '[](',
      '{\\*',
      '/*',
      '\\u',
      '<a ',
      '--x\n',
      '=?',
      '\n',
      'a-\n',
      'a\n',
      'é',
    ]
    for (const path of ['a.md', 'a.mdx', 'a.html', 'a.json', 'a.csv', 'a.eml', 'a.rst', 'a.rtf', 'a.vtt', 'a.ts'])
      for (const sign of signs) {
        const head =
          path === 'a.rtf' ? '{\\rtf1 ' : path === 'a.eml' ? 'Content-Type: multipart/mixed; boundary=x\n\n' : ''
        await outcome(path, Buffer.from(head + sign.repeat(10_000)))
      }
  })
})
