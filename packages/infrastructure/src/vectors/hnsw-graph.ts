/**
 * A hierarchical navigable small world over the rows of an index (Malkov and Yashunin, arXiv:1603.09320): layers of proximity graphs, each
 * a sample of the one below, searched greedily from the top. Neighbours are selected by the paper's heuristic. Struck rows stay as places
 * to pass through until `repair` has led all others around them, as FreshDiskANN does (arXiv:2105.09613).
 */
import type { BestOf } from '../best-of.ts'
import { EffortGauge } from './effort-gauge.ts'
import { HnswLinks, levelOf } from './hnsw-links.ts'
import { ScoredRows } from './scored-rows.ts'
import { queryRow } from './vector-memory.ts'
import { rowState, type ScoredRow, type VectorRows } from './vector-rows.ts'

/** Candidates kept while a row is linked, efConstruction in the paper. */
const linkEffort = 128

export class HnswGraph {
  readonly #rows: VectorRows
  readonly links: HnswLinks
  readonly gauge: EffortGauge
  /** Where searches begin: a row of the highest level, or -1 in an empty graph. */
  entry: number
  /** By row: the number of the last exploration that met it. */
  #met = new Uint32Array(256)
  #exploration = 0
  readonly #frontier = new ScoredRows()
  readonly #found = new ScoredRows()

  constructor(rows: VectorRows, links = new HnswLinks(), entry = -1, gauge = new EffortGauge()) {
    this.#rows = rows
    this.links = links
    this.entry = entry
    this.gauge = gauge
  }

  /** Takes a loose row in. */
  link(row: number): void {
    const level = levelOf(row)
    this.links.clear(row)
    const isFirst = this.entry < 0
    if (!isFirst) this.#connect(row, level)
    if (isFirst || level > levelOf(this.entry)) this.entry = row
    this.#rows.markLinked(row)
  }

  /** Offers rows near the query, among the best of those that are 1 in `admitted`: the more effort, the surer. */
  search(effort: number, admitted: Uint8Array, nearest: BestOf<ScoredRow>): void {
    if (this.entry < 0) return
    this.#explore(queryRow, this.#descend(queryRow, 0), effort, 0, admitted)
    while (this.#found.size > 0) {
      const row = this.#found.pop()
      nearest.offer({ row, score: this.#rows.similarity(row) })
    }
  }

  /** Leads a row around its struck neighbours, by way of theirs. */
  repair(row: number): void {
    for (let layer = levelOf(row); layer >= 0; layer--) {
      if (this.#neighbours(row, layer).some((other) => this.#isStruck(other))) this.#lead(row, layer)
    }
  }

  /** Has searches begin at a row that is not struck, before struck ones are given up. */
  moveEntry(): void {
    if (this.entry < 0 || !this.#isStruck(this.entry)) return
    this.entry = -1
    const { states, length } = this.#rows
    for (let row = 0; row < length; row++) {
      if (states[row] !== rowState.linked) continue
      if (this.entry < 0 || levelOf(row) > levelOf(this.entry)) this.entry = row
    }
  }

  #connect(row: number, level: number): void {
    const held = this.#rows.admitted([]).rows
    let from = this.#descend(row, level)
    for (let layer = Math.min(level, levelOf(this.entry)); layer >= 0; layer--) {
      this.#explore(row, from, linkEffort, layer, held)
      const candidates = this.#takeFound()
      from = candidates[0]?.row ?? from
      const chosen = this.#select(candidates, this.links.most(1))
      this.links.set(row, layer, chosen)
      for (const other of chosen) this.#add(other, row, layer)
    }
  }

  /** The row that greedy steps from the entry end at, through the layers above `level`. */
  #descend(target: number, level: number): number {
    const { memory } = this.#rows
    let nearest = this.entry
    let best = memory.innerProduct(target, nearest)
    for (let layer = levelOf(nearest); layer > level; layer--) {
      for (let from = -1; from !== nearest; ) {
        from = nearest
        const array = this.links.array(layer)
        const start = this.links.start(from, layer)
        const end = start + (array[start] ?? 0)
        for (let at = start + 1; at <= end; at++) {
          const other = array[at] ?? 0
          const score = memory.innerProduct(target, other)
          if (score <= best) continue
          best = score
          nearest = other
        }
      }
    }
    return nearest
  }

  /** Fills `#found` with up to `effort` admitted rows near the target. Others are passed through. */
  #explore(target: number, from: number, effort: number, layer: number, admitted: Uint8Array): void {
    const { memory } = this.#rows
    const frontier = this.#frontier
    const found = this.#found
    const exploration = this.#begin()
    const met = this.#met
    const array = this.links.array(layer)
    found.clear()
    frontier.clear()
    const score = memory.innerProduct(target, from)
    frontier.push(from, -score)
    if (admitted[from] === 1) found.push(from, score)
    met[from] = exploration
    while (frontier.size > 0) {
      const best = -frontier.lowestScore
      if (found.size >= effort && best < found.lowestScore) return
      const start = this.links.start(frontier.pop(), layer)
      const end = start + (array[start] ?? 0)
      for (let at = start + 1; at <= end; at++) {
        const other = array[at] ?? 0
        if (met[other] === exploration) continue
        met[other] = exploration
        const score = memory.innerProduct(target, other)
        if (found.size >= effort && score <= found.lowestScore) continue
        frontier.push(other, -score)
        if (admitted[other] !== 1) continue
        found.push(other, score)
        if (found.size > effort) found.pop()
      }
    }
  }

  /** Adds a neighbour, and drops the least useful when there are too many. */
  #add(row: number, neighbour: number, layer: number): void {
    const array = this.links.array(layer)
    const start = this.links.start(row, layer)
    const length = array[start] ?? 0
    if (array.subarray(start + 1, start + 1 + length).includes(neighbour)) return
    if (length < this.links.most(layer)) {
      array[start] = length + 1
      array[start + 1 + length] = neighbour
      return
    }
    const candidates = [...this.#neighbours(row, layer), neighbour]
    this.links.set(row, layer, this.#select(this.#scored(row, candidates), this.links.most(layer)))
  }

  /** Puts neighbours of struck neighbours in the place of these. The others stay: they may have no other way in. */
  #lead(row: number, layer: number): void {
    const exploration = this.#begin()
    const met = this.#met
    met[row] = exploration
    const neighbours = this.#neighbours(row, layer)
    const kept = neighbours.filter((other) => !this.#isStruck(other))
    for (const other of kept) met[other] = exploration
    const candidates: number[] = []
    for (const struck of neighbours) {
      if (!this.#isStruck(struck)) continue
      for (const other of this.#neighbours(struck, layer)) {
        if (met[other] === exploration || this.#isStruck(other)) continue
        met[other] = exploration
        candidates.push(other)
      }
    }
    const chosen = this.#select(this.#scored(row, candidates), this.links.most(layer), kept)
    this.links.set(row, layer, chosen)
    for (const other of chosen.slice(kept.length)) this.#add(other, row, layer)
  }

  /**
   * The heuristic of the paper: a candidate is taken unless one already taken is at least as near to it, so that links lead in all
   * directions, also out of a crowd of equal vectors. Up to half of the places are then filled with the nearest of the others: where
   * few directions are left, a graph without spare links falls apart as rows are struck.
   *
   * @param candidates nearest first.
   * @param taken at the start.
   */
  #select(candidates: readonly Scored[], most: number, taken: readonly number[] = []): number[] {
    const { memory } = this.#rows
    const chosen = [...taken]
    const spare: number[] = []
    for (const { row, score } of candidates) {
      if (chosen.length === most) break
      if (chosen.every((other) => memory.innerProduct(row, other) < score)) chosen.push(row)
      else spare.push(row)
    }
    return chosen.concat(spare.slice(0, Math.max(0, most / 2 - chosen.length)))
  }

  #scored(target: number, rows: readonly number[]): Scored[] {
    const { memory } = this.#rows
    return rows
      .map((row) => ({ row, score: memory.innerProduct(target, row) }))
      .sort((one, other) => other.score - one.score)
  }

  /** Empties `#found`, nearest first. */
  #takeFound(): Scored[] {
    const taken: Scored[] = []
    while (this.#found.size > 0) {
      const score = this.#found.lowestScore
      taken.push({ row: this.#found.pop(), score })
    }
    return taken.reverse()
  }

  #neighbours(row: number, layer: number): number[] {
    const array = this.links.array(layer)
    const start = this.links.start(row, layer)
    return [...array.subarray(start + 1, start + 1 + (array[start] ?? 0))]
  }

  #isStruck(row: number): boolean {
    return this.#rows.states[row] === rowState.struck
  }

  /** The number of a new exploration, in which no row has been met. */
  #begin(): number {
    if (this.#met.length < this.#rows.length) this.#met = new Uint32Array(Math.ceil(this.#rows.length * 1.25))
    if (this.#exploration === 0xffff_ffff) {
      this.#met.fill(0)
      this.#exploration = 0
    }
    return ++this.#exploration
  }
}

interface Scored {
  readonly row: number
  readonly score: number
}
