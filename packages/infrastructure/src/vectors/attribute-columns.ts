/** The attributes of entries by row, each value kept once under a small number, so that a filter judges a value once, not an entry. */
import { matcherOf, type SearchFilter } from '../query.ts'

export class AttributeColumns {
  readonly #columns = new Map<string, Column>()

  set(row: number, attributes: Readonly<Record<string, string>>): void {
    this.clear(row)
    for (const [name, value] of Object.entries(attributes)) {
      const column = this.#columns.get(name) ?? new Column()
      this.#columns.set(name, column)
      column.set(row, value)
    }
  }

  clear(row: number): void {
    for (const [name, column] of this.#columns) {
      column.clear(row)
      if (column.isEmpty) this.#columns.delete(name)
    }
  }

  at(row: number): Record<string, string> {
    const found: [string, string][] = []
    for (const [name, column] of this.#columns) {
      const value = column.at(row)
      if (value !== undefined) found.push([name, value])
    }
    return Object.fromEntries(found)
  }

  /**
   * Takes rows that fail a filter out of `rows`, where 1 stands for a row that is in.
   *
   * @throws SEARCH_QUERY_INVALID for a glob that cannot be read.
   */
  restrict(rows: Uint8Array, filters: readonly SearchFilter[]): void {
    for (const filter of filters) {
      const matches = matcherOf(filter)
      const column = this.#columns.get(filter.attribute)
      if (column) column.restrict(rows, matches)
      else rows.fill(0)
    }
  }

  /** What `restore` takes, for rows below `rows`. */
  save(rows: number): SavedColumn[] {
    return [...this.#columns].map(([name, column]) => ({ name, ...column.save(rows) }))
  }

  /** Throws RangeError for a code without a value. */
  restore({ name, values, codes }: SavedColumn): void {
    const column = new Column()
    for (const [row, code] of codes.entries()) {
      if (code === 0) continue
      const value = values[code - 1]
      if (value === undefined) throw new RangeError('An attribute has no value')
      column.set(row, value)
    }
    this.#columns.set(name, column)
  }
}

/** The values of one attribute. */
export interface SavedColumn {
  readonly name: string
  readonly values: readonly string[]
  /** By row: the position of its value plus one, or 0 when it has none. */
  readonly codes: Uint32Array
}

class Column {
  /** By code less one. */
  readonly #values: string[] = []
  /** How many rows have the value; one that none has gives its code to another. */
  readonly #counts: number[] = []
  readonly #unused: number[] = []
  readonly #codes = new Map<string, number>()
  /** By row; 0 is none. */
  #rows = new Uint32Array(16)

  get isEmpty(): boolean {
    return this.#codes.size === 0
  }

  at(row: number): string | undefined {
    return this.#values[(this.#rows[row] ?? 0) - 1]
  }

  set(row: number, value: string): void {
    const code = this.#codes.get(value) ?? this.#addValue(value)
    this.#counts[code - 1] = (this.#counts[code - 1] ?? 0) + 1
    if (row >= this.#rows.length) {
      const longer = new Uint32Array(Math.max(row + 1, this.#rows.length * 2))
      longer.set(this.#rows)
      this.#rows = longer
    }
    this.#rows[row] = code
  }

  clear(row: number): void {
    const code = this.#rows[row] ?? 0
    if (code === 0) return
    this.#rows[row] = 0
    const left = (this.#counts[code - 1] ?? 0) - 1
    this.#counts[code - 1] = left
    if (left > 0) return
    this.#codes.delete(this.#values[code - 1] ?? '')
    this.#values[code - 1] = ''
    this.#unused.push(code)
  }

  restrict(rows: Uint8Array, matches: (value: string) => boolean): void {
    const admitted = new Uint8Array(this.#values.length + 1)
    for (const [value, code] of this.#codes) if (matches(value)) admitted[code] = 1
    const codes = this.#rows
    for (let row = 0; row < rows.length; row++) if (admitted[codes[row] ?? 0] === 0) rows[row] = 0
  }

  save(rows: number): { values: readonly string[]; codes: Uint32Array } {
    const codes = new Uint32Array(rows)
    codes.set(this.#rows.subarray(0, rows))
    return { values: this.#values, codes }
  }

  #addValue(value: string): number {
    const code = this.#unused.pop() ?? this.#values.length + 1
    this.#values[code - 1] = value
    this.#counts[code - 1] = 0
    this.#codes.set(value, code)
    return code
  }
}
