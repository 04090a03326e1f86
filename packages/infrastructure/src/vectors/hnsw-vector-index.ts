/**
 * The vector index with a graph over its entries (see `hnsw-graph.ts`). Entries need not be in the graph to be found: those that are not
 * yet are looked at one by one, so a change costs next to nothing and the graph is built in small slices in between, or not at all while
 * there are few.
 */
import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from '@keelson/kernel'
import { requireCount } from '../query.ts'
import { GraphUpkeep } from './graph-upkeep.ts'
import { HnswGraph } from './hnsw-graph.ts'
import type { IndexShape } from './index-shape.ts'
import type { VectorEntry, VectorIndex, VectorQuery, VectorResult } from './vector-index.ts'
import { type Admitted, rowState, VectorRows } from './vector-rows.ts'
import { encodeVectorSnapshot } from './vector-snapshot.ts'

export interface HnswOptions {
  /** An index with more entries gets a graph; of fewer, a search looks at all. */
  readonly scanUpTo: number
  /** Whether a change builds the graph before it returns, or leaves that to slices of 8 ms. */
  readonly linking: 'at once' | 'in slices'
  /** Whether a search may look at all admitted entries where that is cheaper than the graph. */
  readonly scans: 'when cheaper' | 'never'
  readonly clock: Clock
}

export const hnswDefaults: HnswOptions = {
  scanUpTo: 20_000,
  linking: 'in slices',
  scans: 'when cheaper',
  clock: systemClock,
}

const sliceMs = 8
/** Lets what else there is to do in between. */
const pauseMs = 1
/** Entries looked at in the time of one step through the graph, found by measuring. */
const looksPerStep = 100
/** Where searches must use the graph although no effort is enough. */
const mostEffort = 2_048

export class HnswVectorIndex implements VectorIndex {
  readonly dimension: number
  readonly model: string
  readonly #options: HnswOptions
  #rows: VectorRows
  #graph: HnswGraph | undefined
  #upkeep: GraphUpkeep | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(shape: IndexShape, options: HnswOptions, rows = new VectorRows(shape.dimension), graph?: HnswGraph) {
    this.dimension = shape.dimension
    this.model = shape.model
    this.#options = options
    this.#rows = rows
    this.#graph = graph
    if (graph) this.#upkeep = new GraphUpkeep(rows, graph)
    this.#changed()
  }

  get size(): number {
    return this.#rows.size
  }

  upsert(entries: readonly VectorEntry[]): void {
    this.#rows.upsert(entries)
    this.#changed()
  }

  remove(ids: readonly string[]): void {
    this.#rows.remove(ids)
    this.#changed()
  }

  search({ vector, limit, filters = [] }: VectorQuery): VectorResult {
    requireCount('limit', limit)
    const rows = this.#rows
    rows.setQuery(vector, 'the vector of the query')
    const admitted = rows.admitted(filters)
    if (this.#graph && !this.#isScanCheaper(admitted, this.#effort(this.#graph, limit))) {
      const nearest = rows.nearest(limit)
      rows.scan(admitted, nearest, rowState.loose)
      this.#graph.search(Math.min(mostEffort, this.#effort(this.#graph, limit)), admitted.rows, nearest)
      // A row may be lost to the graph when all that led to it found nearer neighbours.
      if (nearest.size >= Math.min(limit, admitted.count)) return { hits: rows.hits(nearest) }
    }
    const nearest = rows.nearest(limit)
    rows.scan(admitted, nearest)
    return { hits: rows.hits(nearest) }
  }

  snapshot(mark: string): Uint8Array {
    return encodeVectorSnapshot(this, this.#rows, this.#graph, mark)
  }

  async settle(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    while (this.#isDue()) {
      // One of both is enough.
      this.#cancelTimer()
      this.#work(sliceMs)
      await setImmediate()
      if (!signal?.aborted) continue
      this.#workLater()
      throw signal.reason
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
  }

  #effort(graph: HnswGraph, limit: number): number {
    return Math.max(graph.gauge.effort, 2 * limit)
  }

  /** With a share of entries admitted, a search of the graph takes as many more steps to find enough of them. */
  #isScanCheaper({ rows, count }: Admitted, effort: number): boolean {
    const { scans, scanUpTo } = this.#options
    if (scans === 'never') return false
    return count <= scanUpTo || count * count < effort * looksPerStep * rows.length
  }

  #changed(): void {
    if (this.#rows.isSparse) {
      this.#rows = this.#rows.compacted()
      this.#graph = undefined
      this.#upkeep = undefined
    }
    if (this.#options.linking === 'at once') this.#work(Number.POSITIVE_INFINITY)
    else this.#workLater()
  }

  #workLater(): void {
    if (this.#isClosed || this.#timer || !this.#isDue()) return
    const timer = setTimeout(() => {
      this.#timer = undefined
      this.#work(sliceMs)
      this.#workLater()
    }, pauseMs)
    // Nobody waits for it: a process that is done may end.
    this.#timer = timer.unref()
  }

  #cancelTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #isDue(): boolean {
    return this.#upkeep ? this.#upkeep.isDue : this.size > this.#options.scanUpTo
  }

  /** Works on the graph until nothing is left or time is up. */
  #work(durationMs: number): void {
    if (!this.#isDue()) return
    this.#graph ??= new HnswGraph(this.#rows)
    this.#upkeep ??= new GraphUpkeep(this.#rows, this.#graph)
    const { clock } = this.#options
    const until = clock.monotonic() + durationMs
    do this.#upkeep.step()
    while (this.#upkeep.isDue && clock.monotonic() < until)
  }
}
