/** Finds the entries of a segment in which the terms of a phrase stand one behind the other. */
import type { Phrase } from './query-plan.ts'
import { lastPosition, type Segment } from './segment.ts'

/**
 * Visits each entry that holds the phrase, struck ones too, in no order to rely on, once.
 *
 * Terms are taken from the rarest on, and the search ends when no entry is left: a long question costs little more than its rarest word.
 */
export function visitPhrase(
  segment: Segment,
  phrase: Phrase,
  visit: (entry: number) => void,
  place: Place = 'anywhere',
): void {
  const terms = phrase.terms.map(({ term, offset }) => ({ term: segment.parts.terms.find(term), offset }))
  if (terms.some(({ term }) => term < 0)) return
  const { postingStarts } = segment.parts
  const holders = (term: number) => (postingStarts[term + 1] ?? 0) - (postingStarts[term] ?? 0)
  const [rarest, ...others] = terms.toSorted((a, b) => holders(a.term) - holders(b.term))
  if (!rarest) return
  const candidates = new Candidates(segment, rarest, place)
  for (const other of others) if (candidates.count > 0) candidates.narrow(other)
  candidates.visit(visit)
}

/** Where a phrase may begin: at the very start is at the start of the title. */
export type Place = 'anywhere' | 'at the start'

interface PlacedTerm {
  readonly term: number
  readonly offset: number
}

/** Entries that may hold the phrase, each with the places where it would begin: flat arrays, since a frequent pair has very many. */
class Candidates {
  readonly #segment: Segment
  /** By entry: the number of its candidate plus one. */
  readonly #numbers: Uint32Array
  readonly #entries: Uint32Array
  /** By candidate: for how many terms it has stood the test. */
  readonly #passed: Uint32Array
  /** By candidate: where its places are. */
  readonly #from: Uint32Array
  readonly #to: Uint32Array
  /** Where the phrase would begin, ascending for each candidate. */
  readonly #starts: Uint16Array
  #terms = 1
  count = 0

  constructor(segment: Segment, { term, offset }: PlacedTerm, place: Place) {
    const { postingStarts, positionStarts, positions } = segment.parts
    const size = (postingStarts[term + 1] ?? 0) - (postingStarts[term] ?? 0)
    this.#segment = segment
    this.#numbers = new Uint32Array(segment.size)
    this.#entries = new Uint32Array(size)
    this.#passed = new Uint32Array(size)
    this.#from = new Uint32Array(size)
    this.#to = new Uint32Array(size)
    this.#starts = new Uint16Array((positionStarts[term + 1] ?? 0) - (positionStarts[term] ?? 0))
    let next = 0
    visitPositions(segment, term, (entry, from, to) => {
      const first = next
      for (let at = from; at < to; at++) {
        const position = positions[at] ?? 0
        const fits = place === 'anywhere' ? position >= offset : position === offset
        if (fits && position < lastPosition) this.#starts[next++] = position - offset
      }
      if (next > first) this.#add(entry, first, next)
    })
  }

  #add(entry: number, from: number, to: number): void {
    this.#entries[this.count] = entry
    this.#from[this.count] = from
    this.#to[this.count] = to
    this.#passed[this.count] = 1
    this.#numbers[entry] = ++this.count
  }

  /** Keeps those that have the term in its place. */
  narrow({ term, offset }: PlacedTerm): void {
    const { positions } = this.#segment.parts
    const before = this.#terms++
    let left = 0
    visitPositions(this.#segment, term, (entry, from, to) => {
      const candidate = (this.#numbers[entry] ?? 0) - 1
      if (candidate < 0 || this.#passed[candidate] !== before) return
      let at = from
      let kept = this.#from[candidate] ?? 0
      const end = this.#to[candidate] ?? 0
      for (let place = kept; place < end; place++) {
        const start = this.#starts[place] ?? 0
        while (at < to && (positions[at] ?? 0) < start + offset) at++
        const isThere = at < to && positions[at] === start + offset && start + offset < lastPosition
        if (isThere) this.#starts[kept++] = start
      }
      this.#to[candidate] = kept
      if (kept === this.#from[candidate]) return
      this.#passed[candidate] = this.#terms
      left++
    })
    this.count = left
  }

  visit(visit: (entry: number) => void): void {
    for (const [candidate, passed] of this.#passed.entries()) {
      if (passed === this.#terms) visit(this.#entries[candidate] ?? 0)
    }
  }
}

/** Visits the postings of a term, each with the part of `positions` that is its own. */
export function visitPositions(
  { parts }: Segment,
  term: number,
  visit: (entry: number, from: number, to: number) => void,
): void {
  const end = parts.postingStarts[term + 1] ?? 0
  let from = parts.positionStarts[term] ?? 0
  for (let at = parts.postingStarts[term] ?? 0; at < end; at++) {
    const to = from + (parts.postingCounts[at] ?? 0)
    visit(parts.postingEntries[at] ?? 0, from, to)
    from = to
  }
}
