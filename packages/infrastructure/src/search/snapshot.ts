/** Segments as bytes: a frame whose header names the columns and the lengths of the arrays, which are used as they lie there. */
import { infrastructureErrors } from '../errors.ts'
import { type ArrayReader, decodeFrame, encodeFrame, type FrameArray, type FrameFormat } from '../snapshot-frame.ts'
import { type Column, Segment, type SegmentParts } from './segment.ts'
import { StringTable } from './string-table.ts'

const format: FrameFormat = {
  magic: 0x4b53_4958,
  // Goes up with the layout, and with any change to how text becomes terms: old terms would not be found.
  version: 2,
  invalid: infrastructureErrors.SEARCH_SNAPSHOT_INVALID,
}
interface Header {
  readonly mark: string
  /** By segment: the names of its columns and the lengths of its arrays in the order of `arraysOf`. */
  readonly segments: readonly { readonly columns: readonly string[]; readonly lengths: readonly number[] }[]
}

export function encodeSnapshot(segments: readonly Segment[], mark: string): Uint8Array {
  const arrays = segments.map(arraysOf)
  const header: Header = {
    mark,
    segments: segments.map((segment, index) => ({
      columns: [...segment.parts.columns.keys()],
      lengths: (arrays[index] ?? []).map((array) => array.length),
    })),
  }
  return encodeFrame(format, header, arrays.flat())
}

/** @throws SEARCH_SNAPSHOT_INVALID */
export function decodeSnapshot(bytes: Uint8Array): { segments: Segment[]; mark: string } {
  return decodeFrame(format, bytes, (given, arrays) => {
    // The checksum holds, so this is what encodeSnapshot made of a Header.
    const header = given as Header
    return { segments: header.segments.map((segment) => readSegment(arrays, segment)), mark: header.mark }
  })
}

/** In the order in which `readSegment` takes them. */
function arraysOf({ parts, struck }: Segment): FrameArray[] {
  const { ids, lengths, titleEnds, terms, columns } = parts
  return [
    struck,
    ids.units,
    ids.starts,
    lengths,
    titleEnds,
    terms.units,
    terms.starts,
    parts.postingStarts,
    parts.postingEntries,
    parts.postingCounts,
    parts.positionStarts,
    parts.positions,
    ...[...columns.values()].flatMap(({ values, codes }) => [values.units, values.starts, codes]),
  ]
}

function readSegment(reader: ArrayReader, { columns, lengths }: Header['segments'][number]): Segment {
  const remaining = lengths.values()
  const uint16 = () => reader.uint16(remaining.next().value ?? 0)
  const uint32 = () => reader.uint32(remaining.next().value ?? 0)
  const strings = () => new StringTable(uint16(), uint32())
  // Struck entries are written to later; the snapshot's own bytes are not.
  const struck = reader.uint8(remaining.next().value ?? 0).slice()
  const parts: SegmentParts = {
    ids: strings(),
    lengths: uint32(),
    titleEnds: uint16(),
    terms: strings(),
    postingStarts: uint32(),
    postingEntries: uint32(),
    postingCounts: uint16(),
    positionStarts: uint32(),
    positions: uint16(),
    columns: new Map(columns.map((name): [string, Column] => [name, { values: strings(), codes: uint32() }])),
  }
  if (!fits(parts, struck)) throw new RangeError('The arrays of a segment are not as long as one another say')
  return new Segment(parts, struck)
}

/** Whether the arrays are as long as they say of each other; what is in them is vouched for by the checksum. */
function fits({ ids, lengths, titleEnds, terms, columns, ...postings }: SegmentParts, struck: Uint8Array): boolean {
  const { postingStarts, postingEntries, postingCounts, positionStarts, positions } = postings
  const tables = [ids, terms, ...[...columns.values()].map((column) => column.values)]
  return (
    [lengths, titleEnds, struck, ...[...columns.values()].map((column) => column.codes)].every(
      (array) => array.length === ids.size,
    ) &&
    tables.every((table) => table.starts.at(-1) === table.units.length) &&
    postingStarts.length === terms.starts.length &&
    postingStarts.at(-1) === postingEntries.length &&
    postingEntries.length === postingCounts.length &&
    positionStarts.length === terms.starts.length &&
    positionStarts.at(-1) === positions.length
  )
}
