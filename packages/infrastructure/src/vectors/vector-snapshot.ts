/** A vector index as bytes: a frame with the rows as they lie in memory and, if there is one, the lists of the graph. */
import { infrastructureErrors } from '../errors.ts'
import { type ArrayReader, decodeFrame, encodeFrame, type FrameFormat } from '../snapshot-frame.ts'
import { EffortGauge } from './effort-gauge.ts'
import { HnswGraph } from './hnsw-graph.ts'
import { HnswLinks, levelOf } from './hnsw-links.ts'
import { type IndexShape, requireShape } from './index-shape.ts'
import { rowState, VectorRows } from './vector-rows.ts'

const format: FrameFormat = {
  magic: 0x4b53_5658,
  // Goes up with the layout, and with any change to the levels of rows or the lengths of lists.
  version: 1,
  invalid: infrastructureErrors.VECTOR_SNAPSHOT_INVALID,
}

interface Header extends IndexShape {
  readonly mark: string
  readonly ids: readonly (string | null)[]
  readonly vectorsLength: number
  readonly columns: readonly { readonly name: string; readonly values: readonly string[] }[]
  readonly graph: {
    readonly entry: number
    readonly recalls: readonly number[]
    readonly baseLength: number
    readonly upperLength: number
  } | null
}

export interface OpenedSnapshot {
  readonly shape: IndexShape
  readonly mark: string
  readonly rows: VectorRows
  readonly graph: HnswGraph | undefined
}

export function encodeVectorSnapshot(
  { dimension, model }: IndexShape,
  rows: VectorRows,
  graph: HnswGraph | undefined,
  mark: string,
): Uint8Array {
  const { ids, states, vectors, columns } = rows.save()
  const links = graph?.links.save(rows.length)
  const header: Header = {
    dimension,
    model,
    mark,
    ids,
    vectorsLength: vectors.length,
    columns: columns.map(({ name, values }) => ({ name, values })),
    graph:
      graph && links
        ? {
            entry: graph.entry,
            recalls: graph.gauge.recalls,
            baseLength: links.base.length,
            upperLength: links.upper.length,
          }
        : null,
  }
  return encodeFrame(format, header, [
    states,
    vectors,
    ...columns.map(({ codes }) => codes),
    ...(links ? [links.base, links.upper, links.upperStarts] : []),
  ])
}

/** @throws VECTOR_SNAPSHOT_INVALID */
export function decodeVectorSnapshot(bytes: Uint8Array): OpenedSnapshot {
  return decodeFrame(format, bytes, (given, arrays) => {
    // The checksum holds, so this is what encodeVectorSnapshot made of a Header.
    const header = given as Header
    requireShape(header)
    const rows = readRows(header, arrays)
    const { dimension, model, mark } = header
    return { shape: { dimension, model }, mark, rows, graph: readGraph(header, arrays, rows) }
  })
}

function readRows({ dimension, ids, vectorsLength, columns }: Header, arrays: ArrayReader): VectorRows {
  return VectorRows.restore(dimension, {
    ids,
    states: arrays.uint8(ids.length),
    vectors: arrays.float32(vectorsLength),
    columns: columns.map(({ name, values }) => ({ name, values, codes: arrays.uint32(ids.length) })),
  })
}

function readGraph({ graph }: Header, arrays: ArrayReader, rows: VectorRows): HnswGraph | undefined {
  const isInGraph = (row: number) => {
    const state = rows.states[row]
    return row < rows.length && (state === rowState.linked || state === rowState.struck)
  }
  if (!graph) {
    if (rows.struckCount > 0 || rows.looseCount < rows.size) throw new RangeError('Rows are in a graph that is missing')
    return undefined
  }
  const saved = {
    base: arrays.uint32(graph.baseLength),
    upper: arrays.uint32(graph.upperLength),
    upperStarts: arrays.uint32(rows.length),
  }
  const links = HnswLinks.restore(saved, (row, layer) => isInGraph(row) && layer <= levelOf(row))
  if (graph.entry !== -1 && !isInGraph(graph.entry)) throw new RangeError('The graph is entered from outside')
  return new HnswGraph(rows, links, graph.entry, new EffortGauge(graph.recalls))
}
