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
  let candidates = startsOf(segment, rarest, place)
  for (const other of others) {
    if (candidates.size === 0) return
    candidates = stillStarting(segment, other, candidates)
  }
  for (const entry of candidates.keys()) visit(entry)
}

/** Where a phrase may begin: at the very start is at the start of the title. */
export type Place = 'anywhere' | 'at the start'

interface PlacedTerm {
  readonly term: number
  readonly offset: number
}

/** By entry: where the phrase would begin for the term to stand in its place, ascending. */
type Starts = ReadonlyMap<number, readonly number[]>

function startsOf(segment: Segment, { term, offset }: PlacedTerm, place: Place): Starts {
  const starts = new Map<number, readonly number[]>()
  visitPositions(segment, term, (entry, from, to) => {
    const here: number[] = []
    for (let at = from; at < to; at++) {
      const position = segment.parts.positions[at] ?? 0
      if (position >= offset && position < lastPosition && (place === 'anywhere' || position === offset)) {
        here.push(position - offset)
      }
    }
    if (here.length > 0) starts.set(entry, here)
  })
  return starts
}

function stillStarting(segment: Segment, { term, offset }: PlacedTerm, candidates: Starts): Starts {
  const kept = new Map<number, readonly number[]>()
  visitPositions(segment, term, (entry, from, to) => {
    const starts = candidates.get(entry)
    if (!starts) return
    let at = from
    const here = starts.filter((start) => {
      while (at < to && (segment.parts.positions[at] ?? 0) < start + offset) at++
      return at < to && segment.parts.positions[at] === start + offset && start + offset < lastPosition
    })
    if (here.length > 0) kept.set(entry, here)
  })
  return kept
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
