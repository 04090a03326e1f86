/** The rows of a worksheet as people see them: what cells show, without columns and rows that are hidden. */
import type { CellFormats } from './cell-formats.ts'
import { isOn, unescapeText } from './office-parts.ts'
import type { XmlAttributes, XmlReader } from './xml.ts'

/** Empty cells are left out of a file; their columns are kept, up to a bound that a made-up address cannot pass. */
const mostEmptyColumns = 1_000

interface Cell {
  readonly column: number
  readonly type: string
  readonly style: number
  value: string
}

export class SheetReader implements XmlReader {
  readonly #strings: readonly string[]
  readonly #formats: CellFormats
  readonly #row: (cells: readonly string[]) => void
  readonly #hiddenColumns: (readonly [first: number, last: number])[] = []
  /** A filter hides rows for a while; they are there all the same. */
  #isFiltered = false
  #cells: string[] | undefined
  #column = 0
  #cell: Cell | undefined
  #isValue = false
  #phonetic = 0

  constructor(strings: readonly string[], formats: CellFormats, row: (cells: readonly string[]) => void) {
    this.#strings = strings
    this.#formats = formats
    this.#row = row
  }

  readonly open = (name: string, attributes: XmlAttributes): void => {
    if (name === 'row') {
      this.#cells = isOn(attributes['hidden']) && !this.#isFiltered ? undefined : []
      this.#column = 0
    } else if (name === 'c') this.#cell = this.#begin(attributes)
    else if (name === 'v' || name === 't') this.#isValue = this.#cell !== undefined && this.#phonetic === 0
    else if (name === 'rPh') this.#phonetic++
    else if (name === 'sheetPr') this.#isFiltered = isOn(attributes['filterMode'])
    else if (name === 'col' && isOn(attributes['hidden']))
      this.#hiddenColumns.push([Number(attributes['min']) - 1, Number(attributes['max']) - 1])
  }

  readonly text = (text: string): void => {
    if (this.#isValue && this.#cell) this.#cell.value += text
  }

  readonly close = (name: string): void => {
    if (name === 'v' || name === 't') this.#isValue = false
    else if (name === 'rPh') this.#phonetic--
    else if (name === 'c') this.#endCell()
    else if (name === 'row') {
      if (this.#cells?.some((cell) => cell !== '')) this.#row(this.#cells)
      this.#cells = undefined
    }
  }

  /** A cell without an address stands behind the one before it. */
  #begin({ r: address = '', t: type = 'n', s: style = '0' }: XmlAttributes): Cell {
    const column = columnOf(address) ?? this.#column
    this.#column = column + 1
    return { column, type, style: Number(style), value: '' }
  }

  #endCell(): void {
    const cell = this.#cell
    this.#cell = undefined
    if (!cell || !this.#cells) return
    while (this.#cells.length < Math.min(cell.column, mostEmptyColumns)) this.#cells.push('')
    const isHidden = this.#hiddenColumns.some(([first, last]) => cell.column >= first && cell.column <= last)
    this.#cells.push(isHidden ? '' : this.#shown(cell).replaceAll(/\s+/g, ' ').trim())
  }

  #shown({ type, value, style }: Cell): string {
    if (type === 'n') return this.#formats.number(value, style)
    if (type === 'b') return isOn(value.trim()) ? 'TRUE' : 'FALSE'
    if (type === 'd') return value.replace(/T00:00(?::00(?:\.0*)?)?Z?$/, '').replace('T', ' ')
    if (type === 'e') return value
    const text = type === 's' ? (this.#strings[Number(value)] ?? '') : unescapeText(value)
    return this.#formats.text(text, style)
  }
}

/** `C7` is column 2; undefined for what is no address. */
function columnOf(address: string): number | undefined {
  const letters = /^\$?([A-Za-z]{1,3})/.exec(address)?.[1]
  if (letters === undefined) return undefined
  let column = 0
  for (const letter of letters.toUpperCase()) column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}
