/** Eigenvalues and eigenvectors of a small symmetric matrix by Jacobi's rotations: slower than other ways, hard to get wrong, and exact. */
import type { WorkSlices } from './work-slices.ts'

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array
  /** One row for each value, each of length 1; either sign would do. */
  readonly vectors: readonly Float64Array[]
}

/** Sweeps over all pairs; the off-diagonal shrinks quadratically after a few, so ten are plenty for some hundred rows. */
const sweepsAtMost = 30
/** Two rows count as independent when what they share is less than this part of what they hold. */
const tolerance = 1e-12

/** @param rows a symmetric matrix without negative eigenvalues; it is overwritten. */
export async function symmetricEigen(rows: readonly Float64Array[], slices: WorkSlices): Promise<Eigen> {
  const vectors = rows.map((row, index) => unitVector(row.length, index))
  for (let sweep = 0; sweep < sweepsAtMost; sweep++) {
    let rotated = false
    for (let p = 0; p < rows.length; p++) {
      const pause = slices.spend(6 * rows.length * (rows.length - p))
      if (pause) await pause
      for (let q = p + 1; q < rows.length; q++) rotated = rotatePair(rows, vectors, p, q) || rotated
    }
    if (!rotated) break
  }
  const order = rows.map((row, index) => ({ value: row[index] ?? 0, vector: vectors[index] ?? new Float64Array() }))
  order.sort((a, b) => b.value - a.value)
  return { values: Float64Array.from(order, ({ value }) => value), vectors: order.map(({ vector }) => vector) }
}

/** Turns rows and columns p and q so that nothing is left where they meet; false when there was as good as nothing. */
function rotatePair(rows: readonly Float64Array[], vectors: readonly Float64Array[], p: number, q: number): boolean {
  const [rowP, rowQ, vectorP, vectorQ] = [rows[p], rows[q], vectors[p], vectors[q]]
  if (!rowP || !rowQ || !vectorP || !vectorQ) return false
  const [pp, qq, pq] = [rowP[p] ?? 0, rowQ[q] ?? 0, rowP[q] ?? 0]
  if (Math.abs(pq) <= tolerance * Math.sqrt(Math.abs(pp * qq)) || Math.abs(pq) < Number.MIN_VALUE / tolerance)
    return false
  const theta = (qq - pp) / (2 * pq)
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(tangent * tangent + 1)
  const sine = tangent * cosine
  rotate(rowP, rowQ, cosine, sine)
  rotate(vectorP, vectorQ, cosine, sine)
  // The matrix stays symmetric: columns are the rows again, but for the four places where they meet.
  rowP[p] = pp - tangent * pq
  rowQ[q] = qq + tangent * pq
  rowP[q] = 0
  rowQ[p] = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    if (!row || i === p || i === q) continue
    row[p] = rowP[i] ?? 0
    row[q] = rowQ[i] ?? 0
  }
  return true
}

function rotate(one: Float64Array, other: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < one.length; i++) {
    const a = one[i] ?? 0
    const b = other[i] ?? 0
    one[i] = cosine * a - sine * b
    other[i] = sine * a + cosine * b
  }
}

function unitVector(length: number, at: number): Float64Array {
  const vector = new Float64Array(length)
  vector[at] = 1
  return vector
}
