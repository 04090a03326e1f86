/** Rows of equal length and their inner products, in a WebAssembly memory: see `inner-product.ts`. It grows in place. */
import { infrastructureErrors } from '../errors.ts'
import { createInnerProduct } from './inner-product.ts'

/** A row apart from the others, for the vector of a query. */
export const queryRow = -1

const pageBytes = 65_536
/** A memory is addressed by 32 bits. */
const mostPages = 65_536

export class VectorMemory {
  readonly dimension: number
  readonly #memory
  readonly #innerProduct
  readonly #rowBytes: number
  #numbers = new Float32Array()

  constructor(dimension: number) {
    this.dimension = dimension
    // The loop takes sixteen numbers at a time; those behind the last are zero and add nothing.
    this.#rowBytes = Math.ceil(dimension / 16) * 64
    const { memory, innerProduct } = createInnerProduct()
    this.#memory = memory
    this.#innerProduct = innerProduct
    this.reserve(0)
  }

  /** Makes room for rows 0 up to `rows`, and for some more; those that are there stay. @throws VECTOR_INDEX_FULL */
  reserve(rows: number): void {
    const present = this.#memory.buffer.byteLength / pageBytes
    const pages = Math.ceil(((rows + 1) * this.#rowBytes) / pageBytes)
    if (pages <= present) return
    const full = (cause?: unknown) =>
      infrastructureErrors.VECTOR_INDEX_FULL({ entries: rows, dimension: this.dimension }, { cause })
    if (pages > mostPages) throw full()
    try {
      this.#memory.grow(Math.min(mostPages, Math.max(pages, Math.ceil(present * 1.25))) - present)
    } catch (cause) {
      throw full(cause)
    }
    this.#numbers = new Float32Array(this.#memory.buffer)
  }

  /** Numbers from the start of a row to that of the next. */
  get stride(): number {
    return this.#rowBytes / 4
  }

  /** All numbers of the first rows, to read and to write; valid until the next `reserve`. */
  first(rows: number): Float32Array {
    return this.#numbers.subarray(this.stride, this.stride * (rows + 1))
  }

  /** The numbers of a row, to read and to write; valid until the next `reserve`. */
  row(row: number): Float32Array {
    const start = (row + 1) * this.stride
    return this.#numbers.subarray(start, start + this.dimension)
  }

  innerProduct(row: number, other: number): number {
    const start = (row + 1) * this.#rowBytes
    return this.#innerProduct(start, (other + 1) * this.#rowBytes, start + this.#rowBytes)
  }
}
