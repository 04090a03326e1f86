/**
 * What brings an entry to the front whatever its words weigh: the query as a phrase, its identifiers, the query as the title. Each is worth the
 * highest score that the words of the query could ever give, so an entry with one comes before all without, and with two before all with one.
 */
import { visitPhrase, visitPositions } from './phrase-match.ts'
import type { QueryPlan } from './query-plan.ts'
import { lastPosition, type Segment } from './segment.ts'

/**
 * - `phrase`: the words of the query, two or more, stand together in this order; stop words at its ends aside.
 * - `identifier`: the query is an identifier (`fooBar`, `foo_bar`, `1.2.3-beta`), or has some that only code has (`foo_bar`), and the entry
 *   holds it, or all of them.
 * - `title`: the query is the whole title.
 */
export type ExactKind = 'phrase' | 'identifier' | 'title'

/** Visits the entries that match exactly, once for each kind. */
export function visitExact(
  segment: Segment,
  { whole, core, identifiers }: QueryPlan,
  visit: (entry: number, kind: ExactKind) => void,
): void {
  if (core) visitPhrase(segment, core, (entry) => visit(entry, 'phrase'))
  visitHoldersOfAll(segment, identifiers, (entry) => visit(entry, 'identifier'))
  if (whole) {
    const { titleEnds } = segment.parts
    const visitTitle = (entry: number) => {
      if (titleEnds[entry] === whole.span && whole.span < lastPosition) visit(entry, 'title')
    }
    visitPhrase(segment, whole, visitTitle, 'at the start')
  }
}

function visitHoldersOfAll(segment: Segment, terms: readonly string[], visit: (entry: number) => void): void {
  const positions = terms.map((term) => segment.parts.terms.find(term))
  if (positions.includes(-1)) return
  let held = new Map<number, number>()
  for (const [number, position] of positions.entries()) {
    const before = held
    held = new Map()
    visitPositions(segment, position, (entry) => {
      if (number === 0 || before.has(entry)) held.set(entry, number)
    })
  }
  for (const entry of held.keys()) visit(entry)
}

/** Which entries of a segment hold every required phrase, by 1; `undefined` when none is required. */
export function holdingRequired(segment: Segment, { required }: QueryPlan): Uint8Array | undefined {
  if (required.length === 0) return undefined
  const held = new Uint32Array(segment.size)
  for (const [number, phrase] of required.entries()) {
    let left = 0
    visitPhrase(segment, phrase, (entry) => {
      if (held[entry] !== number) return
      held[entry] = number + 1
      left++
    })
    // A query of very many phrases ends with the first that rules out the rest.
    if (left === 0) return new Uint8Array(segment.size)
  }
  return Uint8Array.from(held, (count) => (count === required.length ? 1 : 0))
}
