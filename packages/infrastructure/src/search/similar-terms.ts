/**
 * Terms that a misspelt word may have meant: those within a few edits of it that begin with the same letter. The sorted table is walked
 * like a trie: neighbours share the rows of the distance table for the letters they have in common, and where no continuation can be near
 * enough, everything that begins so is passed over in one step.
 */
import type { StringTable } from './string-table.ts'

/** How many edits a word of this many letters may be away from what was meant: none below 4, 1 from 4, 2 from 8. */
export function allowedEdits(length: number): number {
  if (length < 4) return 0
  return length < 8 ? 1 : 2
}

/**
 * Visits the strings within `most` edits of `word`, the word itself aside, in ascending order. An edit is a letter too many, too few,
 * another one, or two neighbours in the wrong order (Damerau-Levenshtein in its restricted form: no letter is edited twice).
 */
export function visitSimilar(
  table: StringTable,
  word: string,
  most: number,
  visit: (position: number, edits: number) => void,
): void {
  if (word === '' || most === 0) return
  const walk = new DistanceWalk(word, most)
  const end = table.endOfPrefix(word.slice(0, 1), table.startOf(word.slice(0, 1)))
  let position = table.startOf(word.slice(0, 1))
  while (position < end) {
    const hopeless = walk.moveTo(table, position)
    if (hopeless > 0) {
      position = table.endOfShared(position, hopeless, end)
      continue
    }
    const edits = walk.edits
    if (edits > 0 && edits <= most) visit(position, edits)
    position++
  }
}

/** The rows of the distance table for the letters of the current string, one more than it has letters. */
class DistanceWalk {
  readonly #word: string
  readonly #most: number
  /** Row after row, each as wide as the word is long and one more. */
  readonly #rows: Uint8Array
  readonly #width: number
  readonly #longest: number
  /** Letters of the current string that have a row. */
  readonly #letters: Uint16Array
  #depth = 0

  constructor(word: string, most: number) {
    this.#word = word
    this.#most = most
    this.#width = word.length + 1
    this.#longest = word.length + most
    this.#letters = new Uint16Array(this.#longest + 1)
    this.#rows = new Uint8Array((this.#longest + 2) * this.#width)
    for (let column = 0; column < this.#width; column++) this.#rows[column] = column
  }

  /** Of the current string. */
  get edits(): number {
    return this.#rows[this.#depth * this.#width + this.#word.length] ?? 0
  }

  /** Returns 0, or after how many letters nothing that begins like this string can be near enough. */
  moveTo(table: StringTable, position: number): number {
    const start = table.starts[position] ?? 0
    const length = (table.starts[position + 1] ?? 0) - start
    let depth = 0
    while (depth < this.#depth && depth < length && table.units[start + depth] === this.#letters[depth]) depth++
    this.#depth = depth
    while (depth < length) {
      if (depth >= this.#longest) return depth + 1
      this.#letters[depth] = table.units[start + depth] ?? 0
      depth++
      const least = this.#fillRow(depth)
      this.#depth = depth
      if (least > this.#most) return depth
    }
    return 0
  }

  /** Returns the least number in the row. */
  #fillRow(depth: number): number {
    const rows = this.#rows
    const width = this.#width
    const row = depth * width
    const letter = this.#letters[depth - 1] ?? 0
    const before = this.#letters[depth - 2] ?? 0
    rows[row] = depth
    let least = depth
    for (let column = 1; column < width; column++) {
      const wanted = this.#word.charCodeAt(column - 1)
      const above = row - width + column
      let edits = Math.min(
        (rows[above] ?? 0) + 1,
        (rows[row + column - 1] ?? 0) + 1,
        (rows[above - 1] ?? 0) + (letter === wanted ? 0 : 1),
      )
      const isTurned = depth > 1 && column > 1 && letter === this.#word.charCodeAt(column - 2) && before === wanted
      if (isTurned) edits = Math.min(edits, (rows[above - width - 2] ?? 0) + 1)
      rows[row + column] = edits
      if (edits < least) least = edits
    }
    return least
  }
}
