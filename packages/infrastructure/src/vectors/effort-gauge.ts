/**
 * How much effort a search of the graph must make to find what is promised. That differs widely: where vectors lie in crowds little is
 * enough, where they point in all directions no graph helps. So it is measured while the graph grows: now and then a row that is about to
 * be linked is searched for first, in the graph with one effort after the other and among all, and what was found is kept as an average.
 */
import type { BestOf } from '../best-of.ts'
import { queryRow } from './vector-memory.ts'
import { rowState, type ScoredRow, type VectorRows } from './vector-rows.ts'

/** More would take longer than looking at all of some 100,000. */
const efforts = [64, 128, 256, 512, 1_024] as const
/** The least share of the ten best to find: more than is promised, since the graph has grown since most measurements were made. */
const wantedRecall = 0.99
const limit = 10
/** Rows linked from one measurement to the next. */
const interval = 128
/** Looking at all of more would hold up others for too long; what was measured until then goes on to hold. */
const mostRows = 200_000
/** What a new measurement counts for in the average. */
const weight = 1 / 32

/** What is measured: offers rows near the query, the more surely the more effort it makes. */
interface SearchedGraph {
  search(effort: number, admitted: Uint8Array, nearest: BestOf<ScoredRow>): void
}

export class EffortGauge {
  /** By effort: the average share found. */
  readonly recalls: number[]
  #untilNext = interval

  constructor(recalls: readonly number[] = efforts.map(() => 1)) {
    if (recalls.length !== efforts.length || !recalls.every((recall) => recall >= 0 && recall <= 1)) {
      throw new RangeError('The recalls are not those of the efforts')
    }
    this.recalls = [...recalls]
  }

  /** The effort to make; infinite when none of those tried is enough. */
  get effort(): number {
    return efforts.find((_, at) => (this.recalls[at] ?? 0) >= wantedRecall) ?? Number.POSITIVE_INFINITY
  }

  /** Takes note of a row that is about to be linked, and measures with every so many of them. */
  note(row: number, rows: VectorRows, graph: SearchedGraph): void {
    if (--this.#untilNext > 0 || rows.length > mostRows) return
    this.#untilNext = interval
    rows.memory.row(queryRow).set(rows.memory.row(row))
    const admitted = rows.admitted([])
    const best = rows.nearest(limit)
    rows.scan(admitted, best, rowState.linked)
    const least = best.sorted().at(-1)?.score ?? 1
    let recall = 0
    for (const [at, effort] of efforts.entries()) {
      // More effort finds no less: once all is found there is nothing left to measure.
      if (recall < 1) {
        const found = rows.nearest(limit)
        graph.search(effort, admitted.rows, found)
        recall = found.sorted().filter(({ score }) => score >= least).length / Math.max(1, best.size)
      }
      const before = this.recalls[at] ?? 1
      this.recalls[at] = before + weight * (Math.min(1, recall) - before)
    }
  }
}
