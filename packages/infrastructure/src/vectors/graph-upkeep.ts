/**
 * What changes leave to be done on the graph of an index, one row at a time: taking loose rows in, and, when a share of the graph is
 * struck, leading all other rows around those and giving them up. It holds no state but where it is, so it can be left off at any row.
 */
import type { HnswGraph } from './hnsw-graph.ts'
import { rowState, type VectorRows } from './vector-rows.ts'

/** Struck rows that are put up with, as a share of the graph: they cost searches time and memory, repairs cost more. */
const struckShare = 0.2

export class GraphUpkeep {
  readonly #rows: VectorRows
  readonly #graph: HnswGraph
  /** No row before it is loose, unless a change made it so. */
  #nextLoose = 0
  #repair: { next: number; readonly leaving: ReadonlySet<number> } | undefined

  constructor(rows: VectorRows, graph: HnswGraph) {
    this.#rows = rows
    this.#graph = graph
  }

  get isDue(): boolean {
    return this.#repair !== undefined || this.#rows.looseCount > 0 || this.#isRepairDue()
  }

  /** Does some of the work, about a millisecond of it. */
  step(): void {
    if (!this.#repair && this.#isRepairDue()) this.#beginRepair()
    if (this.#repair) this.#repairNext(this.#repair)
    else if (this.#rows.looseCount > 0) this.#linkNext()
  }

  #isRepairDue(): boolean {
    const { looseCount, struckCount, size } = this.#rows
    return struckCount > struckShare * (size - looseCount + struckCount)
  }

  #beginRepair(): void {
    const { states, length } = this.#rows
    const leaving = new Set<number>()
    for (let row = 0; row < length; row++) if (states[row] === rowState.struck) leaving.add(row)
    this.#repair = { next: 0, leaving }
  }

  /** Rows struck since the repair began are led around as well: those that are leaving will hold other entries soon. */
  #repairNext(repair: { next: number; readonly leaving: ReadonlySet<number> }): void {
    const row = repair.next++
    const state = this.#rows.states[row]
    if (row < this.#rows.length) {
      if ((state === rowState.linked || state === rowState.struck) && !repair.leaving.has(row)) this.#graph.repair(row)
      return
    }
    this.#graph.moveEntry()
    for (const left of repair.leaving) this.#rows.release(left)
    this.#repair = undefined
  }

  #linkNext(): void {
    const { states } = this.#rows
    let row = states.indexOf(rowState.loose, this.#nextLoose)
    if (row < 0) row = states.indexOf(rowState.loose)
    this.#graph.gauge.note(row, this.#rows, this.#graph)
    this.#graph.link(row)
    this.#nextLoose = row + 1
  }
}
