/** Small files of every packed format, made here byte by byte, so that none has to be kept as a binary. */
import { crc32, deflateRawSync } from 'node:zlib'

interface PartOptions {
  readonly method?: 0 | 8
  readonly flags?: number
}

/** A ZIP archive. */
export function zip(
  parts: Readonly<Record<string, string | Uint8Array>>,
  { method = 8, flags = 0 }: PartOptions = {},
): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(parts)) {
    const bytes = Buffer.from(content)
    const packed = method === 8 ? deflateRawSync(bytes) : bytes
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(flags, 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const head = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name)])
    const entry = Buffer.alloc(46)
    entry.write('PK\x01\x02', 'latin1')
    entry.writeUInt16LE(20, 4)
    common.copy(entry, 6, 0, 26)
    entry.writeUInt32LE(offset, 42)
    files.push(head, packed)
    directory.push(entry, Buffer.from(name))
    offset += head.length + packed.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  const count = Object.keys(parts).length
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...files, listed, end])
}

const core = '<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>Ship &amp; shore</dc:title></cp:coreProperties>'

export function docx(body: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return zip({
    'word/document.xml': `<w:document xmlns:w="w"><w:body>${body}</w:body></w:document>`,
    'word/styles.xml': `<w:styles xmlns:w="w"><w:style w:styleId="Kop1"><w:name w:val="heading 1"/></w:style>
      <w:style w:styleId="Kop2"><w:name w:val="heading 2"/></w:style></w:styles>`,
    ...more,
  })
}

export function wordParagraph(text: string, style?: string): string {
  return `<w:p>${style ? `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>` : ''}<w:r><w:t>${text}</w:t></w:r></w:p>`
}

export function pptx(
  slides: readonly { readonly title: string; readonly lines: readonly string[]; readonly notes?: string }[],
): Buffer {
  const parts: Record<string, string> = { 'docProps/core.xml': core }
  // The order of showing is not that of the numbers.
  const numbers = slides.map((_, at) => slides.length - at)
  parts['ppt/presentation.xml'] = `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>${numbers
    .map((number) => `<p:sldId id="${number}" r:id="rId${number}"/>`)
    .join('')}</p:sldIdLst></p:presentation>`
  parts['ppt/_rels/presentation.xml.rels'] = relations(
    numbers.map((number) => [`rId${number}`, 'slide', `slides/slide${number}.xml`]),
  )
  for (const [at, { title, lines, notes }] of slides.entries()) {
    const number = numbers[at] ?? 0
    const shape = (kind: string, text: string) =>
      `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${kind}"/></p:nvPr></p:nvSpPr><p:txBody>${text
        .split('\n')
        .map((line) => `<a:p><a:r><a:t>${line}</a:t></a:r></a:p>`)
        .join('')}</p:txBody></p:sp>`
    parts[`ppt/slides/slide${number}.xml`] =
      `<p:sld xmlns:p="p" xmlns:a="a">${shape('title', title)}${shape('body', lines.join('\n'))}${shape('sldNum', '7')}</p:sld>`
    if (notes === undefined) continue
    parts[`ppt/slides/_rels/slide${number}.xml.rels`] = relations([
      ['rId1', 'notesSlide', `../notesSlides/n${number}.xml`],
    ])
    parts[`ppt/notesSlides/n${number}.xml`] = `<p:notes xmlns:p="p" xmlns:a="a">${shape('body', notes)}</p:notes>`
  }
  return zip(parts)
}

export function xlsx(sheets: Readonly<Record<string, readonly (readonly (string | number | boolean)[])[]>>): Buffer {
  const names = Object.keys(sheets)
  const strings: string[] = []
  const parts: Record<string, string> = {
    'xl/workbook.xml': `<workbook xmlns:r="r"><sheets>${names
      .map((name, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations(
      names.map((_, at) => [`rId${at + 1}`, 'worksheet', `/xl/worksheets/sheet${at + 1}.xml`]),
    ),
  }
  for (const [at, name] of names.entries()) {
    const rows = (sheets[name] ?? []).map((cells, row) => {
      const written = cells.map((cell, column) => {
        const address = `${String.fromCharCode(65 + column)}${row + 1}`
        if (cell === '') return ''
        if (typeof cell === 'string') return `<c r="${address}" t="s"><v>${strings.push(cell) - 1}</v></c>`
        if (typeof cell === 'boolean') return `<c r="${address}" t="b"><v>${cell ? 1 : 0}</v></c>`
        return `<c r="${address}"><v>${cell}</v></c>`
      })
      return `<row r="${row + 1}">${written.join('')}</row>`
    })
    parts[`xl/worksheets/sheet${at + 1}.xml`] = `<worksheet><sheetData>${rows.join('')}</sheetData></worksheet>`
  }
  parts['xl/sharedStrings.xml'] = `<sst>${strings.map((one) => `<si><r><t>${one}</t></r></si>`).join('')}</sst>`
  return zip(parts)
}

function relations(all: readonly (readonly [id: string, type: string, target: string])[]): string {
  return `<Relationships>${all
    .map(([id, type, target]) => `<Relationship Id="${id}" Type="http://x/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`
}

/** A PDF of pages of lines, in Helvetica. */
export function pdf(
  pages: readonly (readonly string[])[],
  { title, encrypt = '' }: { title?: string; encrypt?: string } = {},
): Buffer {
  const objects: string[] = []
  const add = (body: string) => objects.push(body)
  add('<< /Type /Catalog /Pages 2 0 R >>')
  const kids = pages.map((_, at) => `${4 + at * 2} 0 R`).join(' ')
  add(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`)
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>')
  for (const [at, lines] of pages.entries()) {
    const stream = `BT /F1 12 Tf 72 720 Td 14 TL ${lines.map((line) => `(${line.replaceAll(/[()\\]/g, '\\$&')}) Tj T*`).join(' ')} ET`
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + at * 2} 0 R >>`,
    )
    add(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`)
  }
  if (title !== undefined) add(`<< /Title (${title}) >>`)
  let file = '%PDF-1.4\n'
  const offsets = objects.map((body, at) => {
    const offset = file.length
    file += `${at + 1} 0 obj\n${body}\nendobj\n`
    return offset
  })
  const start = file.length
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`
  file += offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const info = title === undefined ? '' : ` /Info ${objects.length} 0 R`
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${info}${encrypt} >>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(file, 'latin1')
}
