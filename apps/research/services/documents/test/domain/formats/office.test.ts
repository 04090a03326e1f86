/** Word, PowerPoint and Excel as their authors see them, however the parts are named and whatever wrote them. */
import { describe, expect, test } from 'vitest'
import { contentOf } from '../../../src/domain/content.ts'
import { docx, pptx, wordParagraph, xlsx, zip } from './samples.ts'

async function textOf(path: string, bytes: Uint8Array): Promise<string> {
  return (await contentOf(bytes, path)).text
}

const types = {
  transitional: 'http://schemas.openxmlformats.org/officeDocument/2006/relationships',
  strict: 'http://purl.oclc.org/ooxml/officeDocument/relationships',
}
const relationships = (all: readonly (readonly [id: string, type: string, target: string, mode?: string])[]) =>
  `<q:Relationships xmlns:q="http://schemas.openxmlformats.org/package/2006/relationships">${all
    .map(
      ([id, type, target, mode]) =>
        `<q:Relationship Id="${id}" Type="${type}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ''}/>`,
    )
    .join('')}</q:Relationships>`

describe.each(Object.entries(types))('parts of the %s edition', (edition, type) => {
  const space = (name: string) =>
    edition === 'strict'
      ? `http://purl.oclc.org/ooxml/${name}/main`
      : `http://schemas.openxmlformats.org/${name}/2006/main`

  test('of Word are found by their relations, under any prefix', async () => {
    const bytes = zip({
      '_rels/.rels': relationships([['a', `${type}/officeDocument`, '/Any/Main%201.xml']]),
      'any/main 1.xml': `<x:document xmlns:x="${space('wordprocessingml')}"><x:body><x:p><x:pPr><x:pStyle x:val="T"/></x:pPr><x:r><x:t>Keel</x:t></x:r></x:p>
        <x:p><x:r><x:t>laid</x:t><x:footnoteReference x:id="2"/></x:r></x:p><x:p><x:r><x:t>end</x:t></x:r></x:p></x:body></x:document>`,
      'any/_rels/main 1.xml.rels': relationships([
        ['s', `${type}/styles`, '../look.xml'],
        ['f', `${type}/footnotes`, './feet.xml'],
        ['h', `${type}/header`, 'head.xml'],
        ['o', `${type}/hyperlink`, 'file:///etc/passwd', 'External'],
      ]),
      'look.xml': `<x:styles xmlns:x="${space('wordprocessingml')}"><x:style x:styleId="T"><x:name x:val="heading 1"/></x:style></x:styles>`,
      'any/feet.xml': `<x:footnotes xmlns:x="${space('wordprocessingml')}"><x:footnote x:type="separator" x:id="-1"><x:p><x:r><x:t>--</x:t></x:r></x:p></x:footnote><x:footnote x:id="2"><x:p><x:r><x:t>in oak</x:t></x:r></x:p></x:footnote></x:footnotes>`,
      'any/head.xml': `<x:hdr xmlns:x="${space('wordprocessingml')}"><x:p><x:r><x:t>Yard letter</x:t></x:r></x:p></x:hdr>`,
    })
    const { title, text } = await contentOf(bytes, 'a.docx')
    expect({ title, text }).toEqual({ title: 'Keel', text: 'Keel\n\nlaid\n\nin oak\n\nend\n\nYard letter' })
  })

  test('of Excel likewise', async () => {
    const main = space('spreadsheetml')
    const bytes = zip({
      '_rels/.rels': relationships([['a', `${type}/officeDocument`, 'book.xml']]),
      'book.xml': `<x:workbook xmlns:x="${main}" xmlns:rel="${type}"><x:workbookPr date1904="1"/><x:sheets><x:sheet name="Log" rel:id="i"/><x:sheet name="Old" state="veryHidden" rel:id="i"/></x:sheets></x:workbook>`,
      '_rels/book.xml.rels': relationships([
        ['i', `${type}/worksheet`, '/one.xml'],
        ['t', `${type}/sharedStrings`, 'words.xml'],
        ['s', `${type}/styles`, 'look.xml'],
      ]),
      'one.xml': `<x:worksheet xmlns:x="${main}"><x:sheetData><x:row><x:c t="s"><x:v>0</x:v></x:c><x:c s="1"><x:v>43844</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
      'words.xml': `<x:sst xmlns:x="${main}"><x:si><x:t>capstan</x:t></x:si></x:sst>`,
      'look.xml': `<x:styleSheet xmlns:x="${main}"><x:cellStyleXfs><x:xf numFmtId="9"/></x:cellStyleXfs><x:cellXfs><x:xf numFmtId="0"/><x:xf numFmtId="14"/></x:cellXfs></x:styleSheet>`,
    })
    expect(await textOf('a.xlsx', bytes)).toBe('capstan\t2024-01-15')
  })

  test('of PowerPoint likewise', async () => {
    const slide = (text: string) =>
      `<s:sld xmlns:s="${space('presentationml')}" xmlns:d="${space('drawingml')}"><s:sp><s:nvSpPr><s:cNvPr/><s:nvPr><s:ph type="title"/></s:nvPr></s:nvSpPr><s:txBody><d:p><d:r><d:t>${text}</d:t></d:r></d:p></s:txBody></s:sp></s:sld>`
    const bytes = zip({
      '_rels/.rels': relationships([['a', `${type}/officeDocument`, 'show/main.xml']]),
      'show/main.xml': `<s:presentation xmlns:s="${space('presentationml')}" xmlns:rel="${type}"><s:sldIdLst><s:sldId rel:id="b"/><s:sldId rel:id="a"/></s:sldIdLst></s:presentation>`,
      'show/_rels/main.xml.rels': relationships([
        ['a', `${type}/slide`, 'x.xml'],
        ['b', `${type}/slide`, '../y.xml'],
      ]),
      'show/x.xml': slide('Second'),
      'y.xml': slide('First'),
      // A loop: the slide is its own notes.
      '_rels/y.xml.rels': relationships([['n', `${type}/notesSlide`, 'y.xml']]),
    })
    expect(await textOf('a.pptx', bytes)).toBe('First\nSpeaker notes: First\n\nSecond')
  })
})

describe('Word', () => {
  const run = (inner: string) => `<w:r>${inner}</w:r>`
  const text = (words: string, properties = '') => run(`<w:rPr>${properties}</w:rPr><w:t>${words}</w:t>`)
  const box = (inner: string) => `<w:txbxContent>${inner}</w:txbxContent>`

  test('gives alternative content once, and boxes after the paragraph that they float beside', async () => {
    const both = (choice: string, inner: string, other = inner) =>
      `<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:y="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" xmlns:n="urn:nobody:knows"><mc:Choice Requires="${choice}">${inner}</mc:Choice><mc:Fallback>${other}</mc:Fallback></mc:AlternateContent>`
    const note = box(
      `${wordParagraph('callout cargo')}<w:tbl><w:tr><w:tc>${wordParagraph('ton')}</w:tc></w:tr></w:tbl>`,
    )
    expect(
      await textOf(
        'a.docx',
        docx(`<w:p>${text('before')}${run(both('y', note))}${text(' after')}</w:p>${wordParagraph('next')}`),
      ),
    ).toBe('before after\n\ncallout cargo\n\nton\n\nnext')
    expect(await textOf('a.docx', docx(`<w:p>${run(both('n', '<w:t>unknown</w:t>', '<w:t>known</w:t>'))}</w:p>`))).toBe(
      'known',
    )
  })

  test('leaves out readings, deletions, moves and hidden text, and ends each with its element', async () => {
    const ruby =
      '<w:ruby><w:rt><w:r><w:t>とう</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>東</w:t></w:r></w:rubyBase></w:ruby>'
    const body = [
      `<w:p>${run(ruby)}${text('京')}</w:p>`,
      `<w:p><w:pPr><w:tabs><w:tab/></w:tabs><w:rPr><w:vanish/></w:rPr></w:pPr>${text('seen ')}${text('secret', '<w:vanish/>')}${text('too', '<w:vanish w:val="0"/>')}</w:p>`,
      `<w:p>${text('white', '<w:color w:val="FFFFFF"/>')}${text('shaded', '<w:color w:val="FFFFFF"/><w:shd w:fill="000000"/>')}</w:p>`,
      `<w:p><w:moveFrom>${text('old place')}</w:moveFrom><w:del>${run('<w:delText>gone</w:delText>')}</w:del><w:ins>${text('new')}</w:ins></w:p>`,
      `<w:p>${run('<w:instrText>PAGE 1</w:instrText>')}${run('<w:t>well</w:t><w:noBreakHyphen/><w:t>known main</w:t><w:softHyphen/><w:t>tenance</w:t><w:br/><w:t>line</w:t><w:tab/><w:t>stop</w:t>')}</w:p>`,
    ]
    expect(await textOf('a.docx', docx(body.join('')))).toBe(
      '東京\n\nseen too\n\nshaded\n\nnew\n\nwell-known maintenance\nline\tstop',
    )
  })

  test('keeps tables in rows, with cells of several paragraphs and tables inside', async () => {
    const cell = (...paragraphs: string[]) => `<w:tc>${paragraphs.map((one) => wordParagraph(one)).join('')}</w:tc>`
    const inner = `<w:tc><w:tbl><w:tr>${cell('x')}${cell('y')}</w:tr></w:tbl><w:p/></w:tc>`
    const table = `<w:tbl><w:tr>${cell('Name', 'of ship')}${cell()}${cell('Tons')}</w:tr><w:tr>${inner}${cell('7')}</w:tr></w:tbl>`
    expect(await textOf('a.docx', docx(table))).toBe('Name of ship\t\tTons\nx y\t7')
  })

  test('gives the words of charts and diagrams', async () => {
    const diagram = '<w:p><w:r><dgm:relIds r:dm="d"/><c:chart r:id="c"/></w:r></w:p>'
    const bytes = docx(diagram, {
      'word/_rels/document.xml.rels': relationships([
        ['d', `${types.transitional}/diagramData`, 'diagrams/1.xml'],
        ['c', `${types.transitional}/chart`, 'charts/1.xml'],
      ]),
      'word/diagrams/1.xml':
        '<dgm:dataModel><a:p><a:r><a:t>Lay </a:t></a:r><a:r><a:t>keel</a:t></a:r></a:p></dgm:dataModel>',
      'word/charts/1.xml':
        '<c:chart><c:strCache><c:pt><c:v>Oak</c:v></c:pt></c:strCache><c:numCache><c:pt><c:v>7</c:v></c:pt></c:numCache></c:chart>',
    })
    expect(await textOf('a.docx', bytes)).toBe('Lay keel\n\nOak')
  })
})

describe('PowerPoint', () => {
  test('gives tables in rows, whatever shape came before them, and no text twice', async () => {
    const paragraph = (words: string) => `<a:p><a:r><a:t>${words}</a:t></a:r></a:p>`
    const bytes = pptx([{ title: 'Deck gear', lines: ['one_x000B_two'] }])
    const row = (...cells: string[]) =>
      `<a:tr>${cells.map((one) => `<a:tc><a:txBody>${paragraph(one)}</a:txBody></a:tc>`).join('')}</a:tr>`
    const table = `<p:graphicFrame><a:tbl>${row('capstan', 'torque')}${row('', '7')}</a:tbl></p:graphicFrame>`
    const alternative = `<mc:AlternateContent><mc:Choice Requires="p14"><p:sp><p:txBody>${paragraph('once')}</p:txBody></p:sp></mc:Choice><mc:Fallback><p:pic><p:txBody>${paragraph('once')}</p:txBody></p:pic></mc:Fallback></mc:AlternateContent>`
    const hidden = `<p:sp><p:nvSpPr><p:cNvPr hidden="1"/></p:nvSpPr><p:txBody>${paragraph('hidden')}</p:txBody></p:sp>`
    const slide = (more: string) =>
      `<p:sld xmlns:p="p" xmlns:a="a"><p:sp><p:nvPr><p:ph type="sldNum"/></p:nvPr><p:txBody>${paragraph('7')}</p:txBody></p:sp>${more}</p:sld>`
    expect((await textOf('a.pptx', bytes)).includes('one two')).toBe(true)
    const parts = {
      'ppt/presentation.xml': '<p:presentation><p:sldIdLst><p:sldId r:id="a"/></p:sldIdLst></p:presentation>',
      'ppt/_rels/presentation.xml.rels': relationships([['a', `${types.transitional}/slide`, 'slides/1.xml']]),
      'ppt/slides/1.xml': slide(table + alternative + hidden),
    }
    expect(await textOf('b.pptx', zip(parts))).toBe('capstan\ttorque\n\t7\nonce')
  })
})

describe('Excel', () => {
  const cell = (value: string, style = 0, type = 'n') => `<c s="${style}" t="${type}"><v>${value}</v></c>`
  const formats = [
    'General',
    '0.0%',
    '&quot;$&quot;#,##0.00',
    'd/m/yyyy h:mm',
    '[h]:mm',
    ';;;',
    'h:mm:ss',
    'bad&quot;',
    '@&quot; t&quot;',
  ]
  const book = (rows: string, more: Record<string, string> = {}) =>
    zip({
      'xl/workbook.xml': '<workbook><sheets><sheet name="Log" r:id="a"/></sheets></workbook>',
      'xl/_rels/workbook.xml.rels': relationships([['a', `${types.transitional}/worksheet`, 'worksheets/1.xml']]),
      'xl/worksheets/1.xml': `<worksheet>${rows}</worksheet>`,
      'xl/styles.xml': `<styleSheet><numFmts>${formats.map((code, at) => `<numFmt numFmtId="${at + 200}" formatCode="${code}"/>`).join('')}</numFmts><cellXfs>${formats.map((_, at) => `<xf numFmtId="${at + 200}"/>`).join('')}</cellXfs></styleSheet>`,
      ...more,
    })

  test('shows cells as people see them', async () => {
    const cells = [
      cell('0.30000000000000004'),
      cell('0.125', 1),
      cell('-1234.5', 2),
      cell('45306.5625', 3),
      cell('1.25', 4),
      cell('42', 5),
      cell('0.999988425925926', 6),
      cell('7', 7),
      cell('3', 8, 'str'),
      cell('1', 0, 'b'),
      cell('#N/A', 0, 'e'),
      cell('2024-01-15T00:00:00Z', 0, 'd'),
      '<c t="str"><f>A1&amp;B1</f><v>a_x000a_b_x005F_x000D_</v></c>',
      '<c t="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r><rPh sb="0" eb="1"><t>reading</t></rPh></is></c>',
      '<c><f>NOW()</f></c>',
    ]
    expect((await textOf('a.xlsx', book(`<sheetData><row>${cells.join('')}</row></sheetData>`))).split('\t')).toEqual([
      '0.3',
      '12.5%',
      '-$1,234.50',
      '2024-01-15 13:30',
      '30:00',
      '',
      '23:59:59',
      '7',
      '3 t',
      'TRUE',
      '#N/A',
      '2024-01-15',
      'a b_x000D_',
      'rich text',
    ])
  })

  test('leaves out rows and columns that are hidden, but not what a filter hides for a while', async () => {
    const rows = `<cols><col min="2" max="2" hidden="1"/></cols><sheetData><row>${cell('1')}${cell('2')}${cell('3')}</row><row hidden="1">${cell('4')}</row></sheetData>`
    expect(await textOf('a.xlsx', book(rows))).toBe('1\t\t3')
    expect(await textOf('a.xlsx', book(`<sheetPr filterMode="1"/>${rows}`))).toBe('1\t\t3\n\n4')
  })

  test('is refused by name when it is another document', async () => {
    for (const [path, bytes] of [
      ['a.docx', xlsx({ A: [['x']] })],
      [
        'a.xlsx',
        zip({ '_rels/.rels': relationships([['a', `${types.transitional}/officeDocument`, 'm']]), m: '<w:document/>' }),
      ],
    ] as const)
      await expect(contentOf(bytes, path)).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_DAMAGED' })
  })
})
