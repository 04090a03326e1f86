/** Makes a segment from entries: counts the terms entry by entry, then lays the counts out by term. */
import { visitTokens } from './analyzer.ts'
import type { SearchEntry } from './search-index.ts'
import { type Column, mostCounted, Segment } from './segment.ts'
import { StringTable } from './string-table.ts'
import type { Token } from './token.ts'

/** @param entries with distinct ids, sorted by id. */
export function buildSegment(entries: readonly SearchEntry[]): Segment {
  const postings = new PostingsBuilder()
  const lengths = new Uint32Array(entries.length)
  for (const [number, entry] of entries.entries()) lengths[number] = postings.add(number, entry)
  return new Segment({
    ids: StringTable.from(entries.map((entry) => entry.id)),
    lengths,
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

  /** Returns the number of words. */
  add(entryNumber: number, entry: SearchEntry): number {
    let length = 0
    const count = ({ term, kind }: Token): void => {
      if (kind === 'word') length++
      this.#count(this.#numberOf(term), entryNumber)
    }
    visitTokens(entry.title, count)
    visitTokens(entry.text, count)
    return length
  }

  build() {
    const sorted = this.#terms.toSorted()
    const postingStarts = new Uint32Array(sorted.length + 1)
    const ranks = new Uint32Array(sorted.length)
    for (const [rank, term] of sorted.entries()) ranks[this.#numberOf(term)] = rank
    for (const term of this.#postingTerms) addAt(postingStarts, (ranks[term] ?? 0) + 1, 1)
    for (let rank = 0; rank < sorted.length; rank++) addAt(postingStarts, rank + 1, postingStarts[rank] ?? 0)

    const next = postingStarts.slice()
    const postingEntries = new Uint32Array(this.#entries.length)
    const postingCounts = new Uint16Array(this.#entries.length)
    for (const [posting, term] of this.#postingTerms.entries()) {
      const at = addAt(next, ranks[term] ?? 0, 1)
      postingEntries[at] = this.#entries[posting] ?? 0
      postingCounts[at] = Math.min(this.#counts[posting] ?? 0, mostCounted)
    }
    return { terms: StringTable.from(sorted), postingStarts, postingEntries, postingCounts }
  }

  #numberOf(term: string): number {
    const known = this.#numbers.get(term)
    if (known !== undefined) return known
    const number = this.#terms.push(term) - 1
    this.#numbers.set(term, number)
    this.#lastPosting.push(-1)
    return number
  }

  #count(term: number, entry: number): void {
    const last = this.#lastPosting[term] ?? -1
    if (last >= 0 && this.#entries[last] === entry) {
      this.#counts[last] = (this.#counts[last] ?? 0) + 1
      return
    }
    this.#lastPosting[term] = this.#entries.push(entry) - 1
    this.#counts.push(1)
    this.#postingTerms.push(term)
  }
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
