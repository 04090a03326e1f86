/** Makes one segment from several, leaving out struck entries and whatever only they held: the result is what `buildSegment` gives. */
import { type Column, Segment } from './segment.ts'
import { type MergedTables, mergeTables, StringTable } from './string-table.ts'

/** @param segments no two of which hold a live entry with the same id. */
export function mergeSegments(segments: readonly Segment[]): Segment {
  const entries = mergeTables(
    segments.map((segment) => segment.parts.ids),
    segments.map((segment) => segment.struck.map((struck) => 1 - struck)),
  )
  const lengths = new Uint32Array(entries.table.size)
  const titleEnds = new Uint16Array(entries.table.size)
  forEachLiveEntry(segments, entries, (segment, entry, number) => {
    lengths[number] = segment.parts.lengths[entry] ?? 0
    titleEnds[number] = segment.parts.titleEnds[entry] ?? 0
  })
  return new Segment({
    ids: entries.table,
    lengths,
    titleEnds,
    columns: mergeColumns(segments, entries),
    ...mergePostings(segments, entries),
  })
}

function mergePostings(segments: readonly Segment[], entries: MergedTables) {
  const holders = segments.map(holdersByTerm)
  const { table: terms, positions } = mergeTables(
    segments.map((segment) => segment.parts.terms),
    holders,
  )
  const postingStarts = mergedStarts(holders, positions, terms.size)
  const positionStarts = mergedStarts(segments.map(occurrencesByTerm), positions, terms.size)
  const target: PostingsTarget = {
    nextPosting: postingStarts.slice(),
    nextPosition: positionStarts.slice(),
    entries: new Uint32Array(postingStarts[terms.size] ?? 0),
    counts: new Uint16Array(postingStarts[terms.size] ?? 0),
    positions: new Uint16Array(positionStarts[terms.size] ?? 0),
  }
  for (const [index, segment] of segments.entries()) {
    copyPostings(segment, positions[index] ?? new Uint32Array(), entries.positions[index] ?? new Uint32Array(), target)
  }
  const { entries: postingEntries, counts: postingCounts } = target
  return { terms, postingStarts, postingEntries, postingCounts, positionStarts, positions: target.positions }
}

/**
 * Where each term's part begins in an array of all segments.
 *
 * @param sizes by segment and term.
 * @param positions by segment and term: where the term has gone.
 */
function mergedStarts(
  sizes: readonly Uint32Array[],
  positions: readonly Uint32Array[],
  termCount: number,
): Uint32Array {
  const starts = new Uint32Array(termCount + 1)
  for (const [index, counts] of sizes.entries()) {
    for (const [term, count] of counts.entries()) {
      if (count > 0) addTo(starts, (positions[index]?.[term] ?? 0) + 1, count)
    }
  }
  for (let term = 0; term < termCount; term++) addTo(starts, term + 1, starts[term] ?? 0)
  return starts
}

function holdersByTerm(segment: Segment): Uint32Array {
  const holders = new Uint32Array(segment.parts.terms.size)
  for (let term = 0; term < holders.length; term++) holders[term] = segment.holders(term)
  return holders
}

function occurrencesByTerm({ parts, struck }: Segment): Uint32Array {
  const occurrences = new Uint32Array(parts.terms.size)
  for (let term = 0; term < occurrences.length; term++) {
    const end = parts.postingStarts[term + 1] ?? 0
    for (let at = parts.postingStarts[term] ?? 0; at < end; at++) {
      if (struck[parts.postingEntries[at] ?? 0] === 0) addTo(occurrences, term, parts.postingCounts[at] ?? 0)
    }
  }
  return occurrences
}

interface PostingsTarget {
  /** By term: where its next posting goes. */
  readonly nextPosting: Uint32Array
  /** By term: where its next position goes. */
  readonly nextPosition: Uint32Array
  readonly entries: Uint32Array
  readonly counts: Uint16Array
  readonly positions: Uint16Array
}

function copyPostings(
  { parts, struck }: Segment,
  terms: Uint32Array,
  entries: Uint32Array,
  target: PostingsTarget,
): void {
  const { postingStarts, postingEntries, postingCounts, positionStarts, positions } = parts
  for (const [term, newTerm] of terms.entries()) {
    const end = postingStarts[term + 1] ?? 0
    let to = target.nextPosting[newTerm] ?? 0
    let toPosition = target.nextPosition[newTerm] ?? 0
    let from = positionStarts[term] ?? 0
    for (let at = postingStarts[term] ?? 0; at < end; at++) {
      const entry = postingEntries[at] ?? 0
      const count = postingCounts[at] ?? 0
      if (struck[entry] === 0) {
        target.entries[to] = entries[entry] ?? 0
        target.counts[to++] = count
        for (let i = 0; i < count; i++) target.positions[toPosition++] = positions[from + i] ?? 0
      }
      from += count
    }
    target.nextPosting[newTerm] = to
    target.nextPosition[newTerm] = toPosition
  }
}

function mergeColumns(segments: readonly Segment[], entries: MergedTables): Map<string, Column> {
  const names = new Set(segments.flatMap((segment) => [...segment.parts.columns.keys()]))
  const merged = new Map<string, Column>()
  for (const name of names) {
    const column = mergeColumn(name, segments, entries)
    if (column.values.size > 0) merged.set(name, column)
  }
  return merged
}

function mergeColumn(name: string, segments: readonly Segment[], entries: MergedTables): Column {
  const columns = segments.map((segment) => segment.parts.columns.get(name))
  const inUse = columns.map((column) => new Uint8Array(column?.values.size ?? 0))
  forEachLiveEntry(segments, entries, (_segment, entry, _number, index) => {
    const code = columns[index]?.codes[entry] ?? 0
    if (code > 0) inUse[index]?.fill(1, code - 1, code)
  })
  const { table: values, positions } = mergeTables(
    columns.map((column) => column?.values ?? noStrings),
    inUse,
  )
  const codes = new Uint32Array(entries.table.size)
  forEachLiveEntry(segments, entries, (_segment, entry, number, index) => {
    const code = columns[index]?.codes[entry] ?? 0
    if (code > 0) codes[number] = (positions[index]?.[code - 1] ?? 0) + 1
  })
  return { values, codes }
}

const noStrings = StringTable.from([])

function forEachLiveEntry(
  segments: readonly Segment[],
  entries: MergedTables,
  visit: (segment: Segment, entry: number, number: number, index: number) => void,
): void {
  for (const [index, segment] of segments.entries()) {
    for (let entry = 0; entry < segment.size; entry++) {
      if (segment.struck[entry] === 0) visit(segment, entry, entries.positions[index]?.[entry] ?? 0, index)
    }
  }
}

function addTo(array: Uint32Array, index: number, amount: number): void {
  array[index] = (array[index] ?? 0) + amount
}
