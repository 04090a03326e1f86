/**
 * Who leads to whom in each layer of the graph, as flat arrays: a list is its length and then the rows. All rows have one in layer 0; the
 * few that reach higher have one more for each layer above it, at a place of their own.
 */

/** Rows in a list above layer 0, M in the paper; those of layer 0 hold twice as many. */
const listLength = 16
const highestLevel = 12

export class HnswLinks {
  #base = new Uint32Array()
  #upper = new Uint32Array(1_024)
  #upperUsed = 0
  /** By row: where its lists above layer 0 start, plus one; 0 for none yet. */
  #upperStarts = new Uint32Array()

  /** How long a list of this layer may be. */
  most(layer: number): number {
    return layer === 0 ? 2 * listLength : listLength
  }

  /** The array that holds the lists of a layer; valid until the next `clear`. */
  array(layer: number): Uint32Array {
    return layer === 0 ? this.#base : this.#upper
  }

  /** Where in `array` the list of a row is: its length first. The row reaches `layer`. */
  start(row: number, layer: number): number {
    if (layer === 0) return row * (2 * listLength + 1)
    return (this.#upperStarts[row] ?? 0) - 1 + (layer - 1) * (listLength + 1)
  }

  set(row: number, layer: number, rows: readonly number[]): void {
    const array = this.array(layer)
    const start = this.start(row, layer)
    array[start] = rows.length
    for (const [at, other] of rows.entries()) array[start + 1 + at] = other
  }

  /** Gives a row empty lists in the layers it reaches. */
  clear(row: number): void {
    if ((row + 1) * (2 * listLength + 1) > this.#base.length) this.#grow(row + 1)
    const level = levelOf(row)
    if (level > 0 && this.#upperStarts[row] === 0) this.#upperStarts[row] = this.#takeUpper(level) + 1
    for (let layer = 0; layer <= level; layer++) this.array(layer)[this.start(row, layer)] = 0
  }

  /** For the first `rows` rows. */
  save(rows: number): SavedLinks {
    // Rows at the end may have joined no graph yet.
    if (rows > this.#upperStarts.length) this.#grow(rows)
    return {
      base: this.#base.subarray(0, rows * (2 * listLength + 1)),
      upper: this.#upper.subarray(0, this.#upperUsed),
      upperStarts: this.#upperStarts.subarray(0, rows),
    }
  }

  /** Copies what it is given. Throws RangeError for a list that is too long, or leads where `isReached` denies. */
  static restore(saved: SavedLinks, isReached: (row: number, layer: number) => boolean): HnswLinks {
    const links = new HnswLinks()
    links.#base = saved.base.slice()
    links.#upper = saved.upper.slice()
    links.#upperUsed = saved.upper.length
    links.#upperStarts = saved.upperStarts.slice()
    for (let row = 0; row < saved.upperStarts.length; row++) {
      for (let layer = 0; isReached(row, layer); layer++) links.#check(row, layer, isReached)
    }
    return links
  }

  #check(row: number, layer: number, isReached: (row: number, layer: number) => boolean): void {
    const array = this.array(layer)
    const start = this.start(row, layer)
    const length = array[start] ?? Number.NaN
    if (!(length <= this.most(layer) && start + length < array.length)) throw new RangeError('A list is too long')
    for (let at = start + 1; at <= start + length; at++) {
      if (!isReached(array[at] ?? 0, layer)) throw new RangeError('A list leads out of the graph')
    }
  }

  #takeUpper(level: number): number {
    const start = this.#upperUsed
    this.#upperUsed += level * (listLength + 1)
    if (this.#upperUsed > this.#upper.length) {
      this.#upper = longer(this.#upper, Math.max(this.#upperUsed, this.#upper.length * 2))
    }
    return start
  }

  #grow(rows: number): void {
    const capacity = Math.max(rows, Math.ceil(this.#upperStarts.length * 1.25), 256)
    this.#base = longer(this.#base, capacity * (2 * listLength + 1))
    this.#upperStarts = longer(this.#upperStarts, capacity)
  }
}

export interface SavedLinks {
  readonly base: Uint32Array
  readonly upper: Uint32Array
  readonly upperStarts: Uint32Array
}

/**
 * The highest layer of a row: 1 of 16 rows reaches layer 1, 1 of 256 layer 2, and so on. It is drawn from a generator seeded with the
 * number of the row, so that it is the same for whatever entry the row will hold, and on every machine.
 */
export function levelOf(row: number): number {
  let mixed = Math.imul(row + 0x9e3779b9, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  mixed ^= mixed >>> 15
  return Math.min(highestLevel, Math.floor(Math.clz32(mixed) / Math.log2(listLength)))
}

function longer(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length)
  grown.set(array)
  return grown
}
