/**
 * The entries of a vector index, one to a row: normalised vector, id, attributes. A row keeps its number as long as a graph may lead to
 * it, so an entry that is taken out of a graph only gives up its id; all other rows are free for the next entry at once.
 */
import { BestOf, type Scored } from '../best-of.ts'
import { infrastructureErrors } from '../errors.ts'
import type { SearchFilter } from '../query.ts'
import { AttributeColumns, type SavedColumn } from './attribute-columns.ts'
import type { VectorEntry } from './vector-index.ts'
import { queryRow, VectorMemory } from './vector-memory.ts'

/** A row with its similarity to the query. */
export interface ScoredRow extends Scored {
  readonly row: number
}

/** What a row is. */
export const rowState = {
  /** Nothing; the next entry may have it. */
  free: 0,
  /** An entry that no graph holds. */
  loose: 1,
  /** An entry in the graph. */
  linked: 2,
  /** In the graph, its entry is gone: a place to pass through. */
  struck: 3,
} as const

/** Rows that may be hits. */
export interface Admitted {
  /** By row: 1 when it may be a hit. */
  readonly rows: Uint8Array
  readonly count: number
}

/** Rows as `save` gives them and `restore` takes them. */
export interface SavedRows {
  /** By row, null for one without an entry. */
  readonly ids: readonly (string | null)[]
  readonly states: Uint8Array
  /** As they lie in `VectorMemory`. */
  readonly vectors: Float32Array
  readonly columns: readonly SavedColumn[]
}

export class VectorRows {
  readonly memory: VectorMemory
  readonly attributes = new AttributeColumns()
  /** By row, one of `rowState`. */
  states = new Uint8Array(16)
  looseCount = 0
  struckCount = 0
  /** By row: 1 when it holds an entry. */
  #held = new Uint8Array(16)
  /** Rows ever taken; all others are behind them. */
  #taken = 0
  readonly #free: number[] = []
  readonly #ids: string[] = []
  readonly #rowsById = new Map<string, number>()

  constructor(dimension: number) {
    this.memory = new VectorMemory(dimension)
  }

  /** Entries. */
  get size(): number {
    return this.#rowsById.size
  }

  /** Rows taken, whatever is in them. */
  get length(): number {
    return this.#taken
  }

  /** Whether most rows hold nothing, so that moving the entries together is worth its time. */
  get isSparse(): boolean {
    return this.#taken > 2 * this.size + 1_000
  }

  idOf(row: number): string {
    return this.#ids[row] ?? ''
  }

  /** @throws VECTOR_INVALID or VECTOR_INDEX_FULL, and has then changed nothing. */
  upsert(entries: readonly VectorEntry[]): void {
    for (const { id, vector } of entries) normOf(vector, this.memory.dimension, `the vector of "${id}"`)
    const distinct = new Map(entries.map((entry) => [entry.id, entry]))
    this.#reserve(this.#taken + Math.max(0, distinct.size - this.#free.length))
    for (const entry of distinct.values()) this.#put(entry)
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) {
      const row = this.#rowsById.get(id)
      if (row !== undefined) this.#discard(row)
    }
  }

  /** Makes `vector` what `queryRow` holds. @throws VECTOR_INVALID */
  setQuery(vector: Float32Array, subject: string): void {
    const norm = normOf(vector, this.memory.dimension, subject)
    const row = this.memory.row(queryRow)
    for (let i = 0; i < row.length; i++) row[i] = (vector[i] ?? 0) / norm
  }

  /** The entries that pass. Read it before the next change. @throws SEARCH_QUERY_INVALID for a glob that cannot be read. */
  admitted(filters: readonly SearchFilter[]): Admitted {
    const held = this.#held.subarray(0, this.#taken)
    if (filters.length === 0) return { rows: held, count: this.size }
    const rows = held.slice()
    this.attributes.restrict(rows, filters)
    let count = 0
    for (let row = 0; row < rows.length; row++) count += rows[row] ?? 0
    return { rows, count }
  }

  /** Offers all admitted rows, or only those of one state among them, with their similarity to the query. */
  scan({ rows }: Admitted, nearest: BestOf<ScoredRow>, only?: number): void {
    const { states } = this
    for (let row = 0; row < rows.length; row++) {
      if (rows[row] === 0 || (only !== undefined && states[row] !== only)) continue
      const score = this.similarity(row)
      if (nearest.mayTake(score)) nearest.offer({ row, score })
    }
  }

  /** The cosine between a row and the query; rounding does not take it out of bounds. */
  similarity(row: number): number {
    return Math.max(-1, Math.min(1, this.memory.innerProduct(queryRow, row)))
  }

  nearest(limit: number): BestOf<ScoredRow> {
    return new BestOf(Math.min(limit, this.size), (a, b) => this.idOf(a.row) < this.idOf(b.row))
  }

  hits(nearest: BestOf<ScoredRow>): { id: string; score: number }[] {
    return nearest.sorted().map(({ row, score }) => ({ id: this.idOf(row), score }))
  }

  /** A loose row that is now in the graph. */
  markLinked(row: number): void {
    this.states[row] = rowState.linked
    this.looseCount--
  }

  /** Nothing leads any more to this struck row. */
  release(row: number): void {
    this.states[row] = rowState.free
    this.struckCount--
    this.#free.push(row)
  }

  /** The same entries close together, all loose. */
  compacted(): VectorRows {
    const rows = new VectorRows(this.memory.dimension)
    rows.#reserve(this.size)
    for (const [id, row] of this.#rowsById) rows.#take(id, this.memory.row(row), this.attributes.at(row))
    return rows
  }

  save(): SavedRows {
    const length = this.#taken
    return {
      ids: Array.from({ length }, (_, row) => (this.#held[row] === 1 ? this.idOf(row) : null)),
      states: this.states.subarray(0, length),
      vectors: this.memory.first(length),
      columns: this.attributes.save(length),
    }
  }

  /** Throws RangeError when the parts do not fit together. */
  static restore(dimension: number, { ids, states, vectors, columns }: SavedRows): VectorRows {
    const rows = new VectorRows(dimension)
    rows.#reserve(ids.length)
    const numbers = rows.memory.first(ids.length)
    if (numbers.length !== vectors.length) throw new RangeError('There are not as many numbers as the rows hold')
    numbers.set(vectors)
    for (const [row, id] of ids.entries()) rows.#restoreRow(row, id, states[row] ?? rowState.free)
    for (const column of columns) rows.attributes.restore(column)
    return rows
  }

  #put({ id, vector, attributes }: VectorEntry): void {
    this.setQuery(vector, `the vector of "${id}"`)
    const normalised = this.memory.row(queryRow)
    const old = this.#rowsById.get(id)
    if (old !== undefined && areEqual(this.memory.row(old), normalised)) {
      this.attributes.set(old, attributes)
      return
    }
    if (old !== undefined) this.#discard(old)
    this.#take(id, normalised, attributes)
  }

  #take(id: string, normalised: Float32Array, attributes: Readonly<Record<string, string>>): void {
    const row = this.#free.pop() ?? this.#taken++
    this.memory.row(row).set(normalised)
    this.attributes.set(row, attributes)
    this.#ids[row] = id
    this.#rowsById.set(id, row)
    this.#held[row] = 1
    this.states[row] = rowState.loose
    this.looseCount++
  }

  #discard(row: number): void {
    this.#rowsById.delete(this.idOf(row))
    this.#ids[row] = ''
    this.attributes.clear(row)
    this.#held[row] = 0
    if (this.states[row] === rowState.linked) {
      this.states[row] = rowState.struck
      this.struckCount++
      return
    }
    this.states[row] = rowState.free
    this.looseCount--
    this.#free.push(row)
  }

  #restoreRow(row: number, id: string | null, state: number): void {
    const isHeld = state === rowState.loose || state === rowState.linked
    if (isHeld !== (id !== null) || state > rowState.struck) throw new RangeError('A row is not what its state says')
    this.states[row] = state
    this.#ids[row] = id ?? ''
    this.#taken++
    if (state === rowState.free) this.#free.push(row)
    if (state === rowState.struck) this.struckCount++
    if (state === rowState.loose) this.looseCount++
    if (id === null) return
    if (this.#rowsById.has(id)) throw new RangeError('Two rows have one id')
    this.#rowsById.set(id, row)
    this.#held[row] = 1
  }

  #reserve(rows: number): void {
    this.memory.reserve(rows)
    if (rows <= this.states.length) return
    const capacity = Math.max(rows, Math.ceil(this.states.length * 1.5))
    const states = new Uint8Array(capacity)
    const held = new Uint8Array(capacity)
    states.set(this.states)
    held.set(this.#held)
    this.states = states
    this.#held = held
  }
}

/** @throws VECTOR_INVALID for a vector that cannot be normalised to this dimension. */
function normOf(vector: Float32Array, dimension: number, subject: string): number {
  const invalid = (reason: string) => infrastructureErrors.VECTOR_INVALID({ subject: subject.slice(0, 200), reason })
  if (vector.length !== dimension) throw invalid(`has ${vector.length} numbers, this index takes ${dimension}`)
  let squares = 0
  for (let i = 0; i < dimension; i++) {
    const number = vector[i] ?? 0
    squares += number * number
  }
  // The square of any number of 32 bits is finite and not zero in 64.
  if (!Number.isFinite(squares)) {
    const at = vector.findIndex((number) => !Number.isFinite(number))
    throw invalid(`holds ${vector[at]} at position ${at}`)
  }
  if (squares === 0) throw invalid('is zero and has no direction')
  return Math.sqrt(squares)
}

function areEqual(one: Float32Array, other: Float32Array): boolean {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}
