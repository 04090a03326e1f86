/**
 * Distinct strings in ascending order of their UTF-16 units, kept in two flat arrays: nothing to decode when a snapshot is opened, and
 * nothing for the garbage collector to walk. A string is found by binary search over the units.
 */
export class StringTable {
  /** Units of all strings, one after the other. */
  readonly units: Uint16Array
  /** Where each string starts, and one more: where the last one ends. */
  readonly starts: Uint32Array

  constructor(units: Uint16Array, starts: Uint32Array) {
    this.units = units
    this.starts = starts
  }

  /** @param strings distinct and sorted as `Array.prototype.sort` does by itself. */
  static from(strings: readonly string[]): StringTable {
    const starts = new Uint32Array(strings.length + 1)
    let length = 0
    for (const [position, text] of strings.entries()) {
      length += text.length
      starts[position + 1] = length
    }
    const units = new Uint16Array(length)
    let at = 0
    for (const text of strings) for (let i = 0; i < text.length; i++) units[at++] = text.charCodeAt(i)
    return new StringTable(units, starts)
  }

  get size(): number {
    return this.starts.length - 1
  }

  /** The string at a position below `size`. */
  at(position: number): string {
    return decode(this.units.subarray(this.starts[position], this.starts[position + 1]))
  }

  /** The position of `text`, or -1. */
  find(text: string): number {
    let low = 0
    let high = this.size - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const order = this.#compareWith(middle, text)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** The position of the first string that is not before `text`. */
  startOf(text: string): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compareWith(middle, text) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Behind the last string from `from` on that begins with `prefix`; `from` is where such strings begin. */
  endOfPrefix(prefix: string, from: number): number {
    return this.#endOf(from, this.size, (position) => this.#beginsWith(position, prefix))
  }

  /** Behind the last string up to `end` that has the first `length` units of the one at `position`. */
  endOfShared(position: number, length: number, end: number): number {
    const start = this.starts[position] ?? 0
    return this.#endOf(position + 1, end, (other) => {
      const otherStart = this.starts[other] ?? 0
      if ((this.starts[other + 1] ?? 0) - otherStart < length) return false
      for (let i = length - 1; i >= 0; i--) if (this.units[start + i] !== this.units[otherStart + i]) return false
      return true
    })
  }

  /** Where `holds` stops to hold, looking in steps that double: most stretches are short. */
  #endOf(from: number, end: number, holds: (position: number) => boolean): number {
    let low = from
    let step = 1
    while (low + step <= end && holds(low + step - 1)) {
      low += step
      step *= 2
    }
    let high = Math.min(end, low + step)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(middle)) low = middle + 1
      else high = middle
    }
    return low
  }

  #beginsWith(position: number, prefix: string): boolean {
    const start = this.starts[position] ?? 0
    if ((this.starts[position + 1] ?? 0) - start < prefix.length) return false
    for (let i = 0; i < prefix.length; i++) if (this.units[start + i] !== prefix.charCodeAt(i)) return false
    return true
  }

  /** Order of the string here at `position` and the one of `other` at `otherPosition`: negative, zero or positive. */
  compare(position: number, other: StringTable, otherPosition: number): number {
    let here = this.starts[position] ?? 0
    let there = other.starts[otherPosition] ?? 0
    const end = this.starts[position + 1] ?? 0
    const otherEnd = other.starts[otherPosition + 1] ?? 0
    while (here < end && there < otherEnd) {
      const difference = (this.units[here++] ?? 0) - (other.units[there++] ?? 0)
      if (difference !== 0) return difference
    }
    return end - here - (otherEnd - there)
  }

  #compareWith(position: number, text: string): number {
    const start = this.starts[position] ?? 0
    const length = (this.starts[position + 1] ?? 0) - start
    const shared = Math.min(length, text.length)
    for (let i = 0; i < shared; i++) {
      const difference = (this.units[start + i] ?? 0) - text.charCodeAt(i)
      if (difference !== 0) return difference
    }
    return length - text.length
  }
}

/** One table out of several, and for each of those where its strings have gone. */
export interface MergedTables {
  readonly table: StringTable
  /** By table, then by position in it; meaningless for what was not kept. */
  readonly positions: readonly Uint32Array[]
}

/**
 * Merges tables, leaving out what is not kept.
 *
 * @param kept by table, then by position: anything but 0 keeps the string.
 */
export function mergeTables(tables: readonly StringTable[], kept: readonly ArrayLike<number>[]): MergedTables {
  const positions = tables.map((table) => new Uint32Array(table.size))
  const cursors = tables.map(
    (table, index) => new Cursor(table, kept[index] ?? [], positions[index] ?? new Uint32Array()),
  )
  const most = tables.reduce((sum, table) => sum + table.size, 0)
  const starts = new Uint32Array(most + 1)
  const units = new Uint16Array(tables.reduce((sum, table) => sum + table.units.length, 0))
  let size = 0
  let length = 0
  for (let least = leastOf(cursors); least; least = leastOf(cursors)) {
    const { table, position } = least
    const text = table.units.subarray(table.starts[position], table.starts[position + 1])
    units.set(text, length)
    length += text.length
    for (const cursor of cursors) if (cursor !== least && cursor.isAt(table, position)) cursor.take(size)
    least.take(size)
    starts[++size] = length
  }
  return { table: new StringTable(units.slice(0, length), starts.slice(0, size + 1)), positions }
}

class Cursor {
  position = -1
  readonly table: StringTable
  readonly #kept: ArrayLike<number>
  readonly #taken: Uint32Array

  constructor(table: StringTable, kept: ArrayLike<number>, taken: Uint32Array) {
    this.table = table
    this.#kept = kept
    this.#taken = taken
    this.#advance()
  }

  get isAtEnd(): boolean {
    return this.position >= this.table.size
  }

  isAt(table: StringTable, position: number): boolean {
    return !this.isAtEnd && this.table.compare(this.position, table, position) === 0
  }

  take(as: number): void {
    this.#taken[this.position] = as
    this.#advance()
  }

  #advance(): void {
    do this.position++
    while (this.position < this.table.size && this.#kept[this.position] === 0)
  }
}

function leastOf(cursors: readonly Cursor[]): Cursor | undefined {
  let least: Cursor | undefined
  for (const cursor of cursors) {
    if (cursor.isAtEnd) continue
    if (!least || cursor.table.compare(cursor.position, least.table, least.position) < 0) least = cursor
  }
  return least
}

/** A call takes some ten thousand arguments at most; short strings, nearly all, are made fastest from them. */
function decode(units: Uint16Array): string {
  if (units.length > 1_000) return Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le')
  // `apply` takes anything with a length and numbers at its indices.
  return String.fromCharCode.apply(null, units as unknown as number[])
}
