/**
 * A part of the index that never changes but for the entries struck from it. Everything is flat arrays, so that a segment can be written
 * to and read from a snapshot as it stands. Entries are numbered in the order of their ids: comparing numbers compares ids.
 */
import type { StringTable } from './string-table.ts'

/** What a segment consists of; `segment-builder.ts` makes it from entries, `segment-merge.ts` from segments, `snapshot.ts` from bytes. */
export interface SegmentParts {
  /** Ids of the entries; the position is the entry's number. */
  readonly ids: StringTable
  /** Words by entry, stop words aside. */
  readonly lengths: Uint32Array
  /** By entry: how many positions its title takes. The text begins one further on, so that no phrase reaches from one into the other. */
  readonly titleEnds: Uint16Array
  readonly terms: StringTable
  /** Where the postings of each term start, and one more: where the last ones end. */
  readonly postingStarts: Uint32Array
  /** The entries that hold a term, each once, in no order to rely on. */
  readonly postingEntries: Uint32Array
  /** How often, beside each of `postingEntries`. */
  readonly postingCounts: Uint16Array
  /** Where the positions of each term start, and one more: where the last ones end. */
  readonly positionStarts: Uint32Array
  /** Where in its entry a term stands: as many as its count for each posting, in the order of the postings, ascending. */
  readonly positions: Uint16Array
  readonly columns: ReadonlyMap<string, Column>
}

/** The values of one attribute. */
export interface Column {
  readonly values: StringTable
  /** By entry: the position of its value plus one, or 0 when it has none. */
  readonly codes: Uint32Array
}

/** A count above this is taken as this. */
export const mostCounted = 0xffff

/** A position from here on is taken as this, and no phrase is found there. */
export const lastPosition = 0xffff

export class Segment {
  readonly parts: SegmentParts
  /** By entry: 1 when it was struck. */
  readonly struck: Uint8Array
  /** Entries that are not struck. */
  liveCount: number
  /** Words of the entries that are not struck. */
  liveLength = 0

  /** @param struck is kept and written to. */
  constructor(parts: SegmentParts, struck = new Uint8Array(parts.ids.size)) {
    this.parts = parts
    this.struck = struck
    this.liveCount = parts.ids.size
    for (const [entry, length] of parts.lengths.entries()) {
      if (struck[entry] === 1) this.liveCount--
      else this.liveLength += length
    }
  }

  get size(): number {
    return this.parts.ids.size
  }

  /** Strikes the entry with this id, if it is here. */
  strike(id: string): void {
    const entry = this.parts.ids.find(id)
    if (entry < 0 || this.struck[entry] === 1) return
    this.struck[entry] = 1
    this.liveCount--
    this.liveLength -= this.parts.lengths[entry] ?? 0
  }

  /** How many entries hold the term at this position of `terms`, struck ones left out. */
  holders(term: number): number {
    const { postingStarts, postingEntries } = this.parts
    const start = postingStarts[term] ?? 0
    const end = postingStarts[term + 1] ?? 0
    if (this.liveCount === this.size) return end - start
    let count = 0
    for (let at = start; at < end; at++) if (this.struck[postingEntries[at] ?? 0] === 0) count++
    return count
  }
}
