/**
 * The greatest singular values of a sparse matrix and the space of its rows that belongs to them, by randomised subspace iteration (Halko,
 * Martinsson and Tropp 2011, algorithms 4.4 and 5.1). Only products with the transposed matrix times the matrix are needed, and those are
 * made row by row, so nothing as long as the matrix has rows is held beside it.
 */
import { symmetricEigen } from './symmetric-eigen.ts'
import type { WorkSlices } from './work-slices.ts'

/** A matrix by rows: the numbers of row r stand from `starts[r]` to `starts[r + 1]`, each with its column. */
export interface SparseRows {
  readonly columnCount: number
  readonly starts: Uint32Array
  readonly columns: Uint32Array
  readonly values: Float32Array
}

export interface TruncatedSvd {
  /** How many there are: the rank asked for, or fewer where the matrix has no more. */
  readonly rank: number
  /** Right singular vectors: for each column of the matrix, its `rank` numbers one after the other. */
  readonly basis: Float32Array
}

/** Columns beyond the rank, and rounds beyond the first: the more of both, the nearer to the exact result. More rounds search no better. */
const oversampling = 10
const iterations = 1
/** A direction is dropped when this part of it, or less, is independent of those before: the rest is rounding. */
const independence = 1e-9
/** Singular values below this part of the greatest are rounding too. */
const noise = 1e-4

/**
 * About `6 x (non-zero numbers) x rank + 3.5 x columns x rank²` operations, in slices; two arrays of `columns x rank` floats. The same
 * matrix, rank and random numbers give the same result.
 *
 * @param random numbers from 0 up to 1.
 */
export async function truncatedSvd(
  matrix: SparseRows,
  rank: number,
  random: () => number,
  slices: WorkSlices,
): Promise<TruncatedSvd> {
  const width = Math.min(rank + oversampling, matrix.columnCount, matrix.starts.length - 1)
  let product = await multiply(matrix, await randomBlock(matrix.columnCount, width, random, slices), slices)
  for (let iteration = 0; iteration < iterations; iteration++) {
    await orthonormalise(product, slices)
    product = await multiply(matrix, product, slices)
  }
  await orthonormalise(product, slices)
  return rotateToSingular(product, await multiply(matrix, product, slices), rank, slices)
}

/** A matrix with few columns: row r stands at `r x width`. */
interface Block {
  readonly width: number
  readonly numbers: Float32Array
}

async function randomBlock(height: number, width: number, random: () => number, slices: WorkSlices): Promise<Block> {
  const numbers = new Float32Array(height * width)
  for (let i = 0; i < numbers.length; i++) {
    const pause = slices.spend(operationsPerGaussian)
    if (pause) await pause
    numbers[i] = gaussian(random)
  }
  return { width, numbers }
}

/** The transposed matrix times the matrix times the block. */
async function multiply(matrix: SparseRows, { width, numbers }: Block, slices: WorkSlices): Promise<Block> {
  const product = new Float32Array(numbers.length)
  const row = new Float64Array(width)
  for (let index = 0; index + 1 < matrix.starts.length; index++) {
    const start = matrix.starts[index] ?? 0
    const end = matrix.starts[index + 1] ?? 0
    const pause = slices.spend(2 * width * (end - start))
    if (pause) await pause
    gather(matrix, start, end, numbers, row)
    scatter(matrix, start, end, product, row)
  }
  return { width, numbers: product }
}

/** One row of the matrix times the block. */
function gather(
  { columns, values }: SparseRows,
  start: number,
  end: number,
  from: Float32Array,
  row: Float64Array,
): void {
  row.fill(0)
  for (let i = start; i < end; i++) {
    const value = values[i] ?? 0
    const at = (columns[i] ?? 0) * row.length
    for (let j = 0; j < row.length; j++) row[j] = (row[j] ?? 0) + value * (from[at + j] ?? 0)
  }
}

function scatter(
  { columns, values }: SparseRows,
  start: number,
  end: number,
  to: Float32Array,
  row: Float64Array,
): void {
  for (let i = start; i < end; i++) {
    const value = values[i] ?? 0
    const at = (columns[i] ?? 0) * row.length
    for (let j = 0; j < row.length; j++) to[at + j] = (to[at + j] ?? 0) + value * (row[j] ?? 0)
  }
}

/** Makes the columns of the block perpendicular and of length 1, in place (Cholesky QR); columns that depend on earlier ones become zeros. */
async function orthonormalise({ width, numbers }: Block, slices: WorkSlices): Promise<void> {
  const factor = choleskyOf(await innerProducts(width, numbers, numbers, slices))
  const solved = new Float64Array(width)
  for (let at = 0; at < numbers.length; at += width) {
    const pause = slices.spend((width * width) / 2)
    if (pause) await pause
    solveRow(factor, numbers, at, solved)
    numbers.set(solved, at)
  }
}

/** The row that the factor turns into the one at `at`. */
function solveRow(factor: readonly Float64Array[], numbers: Float32Array, at: number, solved: Float64Array): void {
  for (let i = 0; i < solved.length; i++) {
    const factors = factor[i] ?? solved
    const diagonal = factors[i] ?? 0
    let sum = numbers[at + i] ?? 0
    for (let j = 0; j < i; j++) sum -= (factors[j] ?? 0) * (solved[j] ?? 0)
    solved[i] = diagonal === 0 ? 0 : sum / diagonal
  }
}

/** The lower triangle whose product with its transpose is the given matrix; rows of zeros where a column depends on those before. */
function choleskyOf(inner: readonly Float64Array[]): readonly Float64Array[] {
  const factor: Float64Array[] = []
  for (const [i, row] of inner.entries()) {
    const made = new Float64Array(row.length)
    let rest = row[i] ?? 0
    for (const [j, earlier] of factor.entries()) {
      const diagonal = earlier[j] ?? 0
      let sum = row[j] ?? 0
      for (let k = 0; k < j; k++) sum -= (made[k] ?? 0) * (earlier[k] ?? 0)
      made[j] = diagonal === 0 ? 0 : sum / diagonal
      rest -= (made[j] ?? 0) ** 2
    }
    if (rest > independence * (row[i] ?? 0)) made[i] = Math.sqrt(rest)
    else made.fill(0)
    factor.push(made)
  }
  return factor
}

/** All products of a column of one block with a column of the other, which must be symmetric. */
async function innerProducts(
  width: number,
  one: Float32Array,
  other: Float32Array,
  slices: WorkSlices,
): Promise<Float64Array[]> {
  const inner = Array.from({ length: width }, () => new Float64Array(width))
  for (let at = 0; at < one.length; at += width) {
    const pause = slices.spend((width * width) / 2)
    if (pause) await pause
    addProducts(inner, one, other, at)
  }
  for (const [i, row] of inner.entries()) for (let j = i + 1; j < width; j++) row[j] = inner[j]?.[i] ?? 0
  return inner
}

/** What the row at `at` adds, at and below the diagonal. */
function addProducts(inner: readonly Float64Array[], one: Float32Array, other: Float32Array, at: number): void {
  for (let i = 0; i < inner.length; i++) {
    const value = one[at + i] ?? 0
    const row = inner[i]
    if (!row || value === 0) continue
    for (let j = 0; j <= i; j++) row[j] = (row[j] ?? 0) + value * (other[at + j] ?? 0)
  }
}

/** Within the space that the block spans, turns to the directions of the singular vectors and keeps the first (Rayleigh and Ritz). */
async function rotateToSingular(block: Block, product: Block, rank: number, slices: WorkSlices): Promise<TruncatedSvd> {
  const { width, numbers } = block
  const { values, vectors } = await symmetricEigen(await innerProducts(width, numbers, product.numbers, slices), slices)
  // The eigenvalues are squares of singular values.
  const least = (values[0] ?? 0) * noise ** 2
  const kept = vectors.slice(0, rank).filter((_, index) => (values[index] ?? 0) > least)
  const basis = new Float32Array((numbers.length / Math.max(1, width)) * kept.length)
  for (let at = 0, to = 0; at < numbers.length; at += width) {
    const pause = slices.spend(width * kept.length)
    if (pause) await pause
    for (const vector of kept) {
      let sum = 0
      for (let i = 0; i < width; i++) sum += (vector[i] ?? 0) * (numbers[at + i] ?? 0)
      basis[to++] = sum
    }
  }
  return { rank: kept.length, basis }
}

/** Drawing one takes as long as this many of the operations that `WorkSlices` counts. */
const operationsPerGaussian = 50

/** A normally distributed number (Box and Muller). */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
