/** Makes a segment from entries: counts and places the terms entry by entry, then lays counts and positions out by term. */
import { visitPlaced } from './analyzer.ts'
import type { SearchEntry } from './search-index.ts'
import { type Column, lastPosition, mostCounted, Segment } from './segment.ts'
import { StringTable } from './string-table.ts'

/** @param entries with distinct ids, sorted by id. */
export function buildSegment(entries: readonly SearchEntry[]): Segment {
  const postings = new PostingsBuilder()
  const lengths = new Uint32Array(entries.length)
  const titleEnds = new Uint16Array(entries.length)
  for (const [number, entry] of entries.entries()) {
    const { length, titleEnd } = postings.add(number, entry)
    lengths[number] = length
    titleEnds[number] = titleEnd
  }
  return new Segment({
    ids: StringTable.from(entries.map((entry) => entry.id)),
    lengths,
    titleEnds,
    columns: buildColumns(entries),
    ...postings.build(),
  })
}

class PostingsBuilder {
  /** Terms in the order met; the position is the term's number until they are sorted. */
  readonly #numbers = new Map<string, number>()
  readonly #terms: string[] = []
  readonly #entries: number[] = []
  readonly #counts: number[] = []
  readonly #postingTerms: number[] = []
  /** By term: where the posting of the last entry that holds it is. */
  readonly #lastPosting: number[] = []
  /** Occurrence by occurrence, in the order met. */
  readonly #occurrenceTerms: number[] = []
  readonly #occurrencePositions: number[] = []

  add(entryNumber: number, entry: SearchEntry): { readonly length: number; readonly titleEnd: number } {
    let length = 0
    const addText = (text: string, from: number): number =>
      visitPlaced(text, ({ term, kind }, position) => {
        if (kind === 'word') length++
        this.#count(this.#numberOf(term), entryNumber, Math.min(from + position, lastPosition))
      })
    const titleEnd = Math.min(addText(entry.title, 0), lastPosition)
    addText(entry.text, titleEnd + 1)
    return { length, titleEnd }
  }

  build() {
    const sorted = this.#terms.toSorted()
    const ranks = new Uint32Array(sorted.length)
    for (const [rank, term] of sorted.entries()) ranks[this.#numberOf(term)] = rank
    const postingStarts = startsOf(this.#postingTerms, ranks)
    const nextPosting = postingStarts.slice()
    const postingEntries = new Uint32Array(this.#entries.length)
    const postingCounts = new Uint16Array(this.#entries.length)
    for (const [posting, term] of this.#postingTerms.entries()) {
      const at = addAt(nextPosting, ranks[term] ?? 0, 1)
      postingEntries[at] = this.#entries[posting] ?? 0
      postingCounts[at] = this.#counts[posting] ?? 0
    }
    const positionStarts = startsOf(this.#occurrenceTerms, ranks)
    const nextPosition = positionStarts.slice()
    const positions = new Uint16Array(this.#occurrenceTerms.length)
    for (const [occurrence, term] of this.#occurrenceTerms.entries()) {
      positions[addAt(nextPosition, ranks[term] ?? 0, 1)] = this.#occurrencePositions[occurrence] ?? 0
    }
    return { terms: StringTable.from(sorted), postingStarts, postingEntries, postingCounts, positionStarts, positions }
  }

  #numberOf(term: string): number {
    const known = this.#numbers.get(term)
    if (known !== undefined) return known
    const number = this.#terms.push(term) - 1
    this.#numbers.set(term, number)
    this.#lastPosting.push(-1)
    return number
  }

  #count(term: number, entry: number, position: number): void {
    const last = this.#lastPosting[term] ?? -1
    const count = last >= 0 && this.#entries[last] === entry ? (this.#counts[last] ?? 0) : 0
    if (count === mostCounted) return
    this.#occurrenceTerms.push(term)
    this.#occurrencePositions.push(position)
    if (count > 0) {
      this.#counts[last] = count + 1
      return
    }
    this.#lastPosting[term] = this.#entries.push(entry) - 1
    this.#counts.push(1)
    this.#postingTerms.push(term)
  }
}

/** By rank of the term: where its part of an array begins that holds something for each of `terms`, and where the last part ends. */
function startsOf(terms: readonly number[], ranks: Uint32Array): Uint32Array {
  const starts = new Uint32Array(ranks.length + 1)
  for (const term of terms) addAt(starts, (ranks[term] ?? 0) + 1, 1)
  for (let rank = 0; rank < ranks.length; rank++) addAt(starts, rank + 1, starts[rank] ?? 0)
  return starts
}

function buildColumns(entries: readonly SearchEntry[]): Map<string, Column> {
  const valuesByName = new Map<string, (string | undefined)[]>()
  for (const [number, { attributes }] of entries.entries()) {
    for (const [name, value] of Object.entries(attributes)) {
      const values = valuesByName.get(name) ?? []
      valuesByName.set(name, values)
      values[number] = value
    }
  }
  return new Map([...valuesByName].map(([name, values]) => [name, buildColumn(values, entries.length)]))
}

/** @param given values by entry, with holes and perhaps shorter than there are entries. */
function buildColumn(given: readonly (string | undefined)[], size: number): Column {
  const distinct = new Set<string>()
  for (const value of given) if (value !== undefined) distinct.add(value)
  const sorted = [...distinct].sort()
  const codeOf = new Map(sorted.map((value, position) => [value, position + 1]))
  const codes = new Uint32Array(size)
  for (const [entry, value] of given.entries()) if (value !== undefined) codes[entry] = codeOf.get(value) ?? 0
  return { values: StringTable.from(sorted), codes }
}

/** Adds to an element and returns what it was. */
function addAt(array: Uint32Array, index: number, amount: number): number {
  const before = array[index] ?? 0
  array[index] = before + amount
  return before
}
