import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/models/seeded-random.ts'
import { symmetricEigen } from '../../src/models/symmetric-eigen.ts'
import { type SparseRows, truncatedSvd } from '../../src/models/truncated-svd.ts'
import { WorkSlices } from '../../src/models/work-slices.ts'

describe('symmetricEigen()', () => {
  it('takes a matrix apart into eigenvalues, descending, and perpendicular vectors', async () => {
    const random = seededRandom(3)
    const half = Array.from({ length: 30 }, () => Float64Array.from({ length: 30 }, () => random() - 0.5))
    const matrix = half.map((row) => Float64Array.from(half, (other) => dot(row, other)))
    const { values, vectors } = await symmetricEigen(
      matrix.map((row) => row.slice()),
      new WorkSlices(undefined),
    )
    expect([...values]).toEqual([...values].sort((a, b) => b - a))
    for (const [index, vector] of vectors.entries()) {
      for (const [row, numbers] of matrix.entries()) {
        expect(dot(numbers, vector)).toBeCloseTo((values[index] ?? 0) * (vector[row] ?? 0), 9)
      }
      for (const [other, another] of vectors.entries())
        expect(dot(vector, another)).toBeCloseTo(other === index ? 1 : 0, 9)
    }
  })

  it('takes zeros, and a matrix of one number', async () => {
    const zeros = await symmetricEigen([new Float64Array(2), new Float64Array(2)], new WorkSlices(undefined))
    expect([...zeros.values]).toEqual([0, 0])
    expect([...(await symmetricEigen([Float64Array.of(4)], new WorkSlices(undefined))).values]).toEqual([4])
  })
})

describe('truncatedSvd()', () => {
  it('finds the space of the rows exactly where the matrix has no higher rank', async () => {
    const random = seededRandom(5)
    const directions = Array.from({ length: 4 }, () => Float64Array.from({ length: 40 }, () => random() - 0.5))
    const rows = Array.from({ length: 60 }, () => combine(directions, () => random() - 0.5))
    const { rank, basis } = await truncatedSvd(sparse(rows), 20, seededRandom(1), new WorkSlices(undefined))
    expect(rank).toBe(4)
    for (const row of rows) expect(lengthOf(projected(row, basis, rank))).toBeCloseTo(lengthOf(row), 4)
  })

  it('finds the directions in which the rows are longest, in that order', async () => {
    const rows = [9, 7, 5, 3, 1].map((length, index) =>
      Float64Array.from({ length: 5 }, (_, at) => (at === index ? length : 0)),
    )
    const { rank, basis } = await truncatedSvd(sparse(rows), 3, seededRandom(1), new WorkSlices(undefined))
    expect(rank).toBe(3)
    for (const [column, direction] of [0, 1, 2].entries())
      expect(Math.abs(basis[column * rank + direction] ?? 0)).toBeCloseTo(1, 5)
  })

  it('takes more equal rows than the rank, and fewer rows than the rank', async () => {
    const row = Float64Array.of(0, 3, 4)
    for (const count of [1, 50]) {
      const { rank, basis } = await truncatedSvd(
        sparse(Array(count).fill(row)),
        8,
        seededRandom(1),
        new WorkSlices(undefined),
      )
      expect(rank).toBe(1)
      expect([...basis].map((value) => Math.abs(value).toFixed(4))).toEqual(['0.0000', '0.6000', '0.8000'])
    }
  })
})

function sparse(rows: readonly Float64Array[]): SparseRows {
  const [starts, columns, values]: [number[], number[], number[]] = [[0], [], []]
  for (const row of rows) {
    for (const [column, value] of row.entries()) {
      if (value === 0) continue
      columns.push(column)
      values.push(value)
    }
    starts.push(columns.length)
  }
  return {
    columnCount: rows[0]?.length ?? 0,
    starts: Uint32Array.from(starts),
    columns: Uint32Array.from(columns),
    values: Float32Array.from(values),
  }
}

function combine(directions: readonly Float64Array[], weight: () => number): Float64Array {
  const sum = new Float64Array(directions[0]?.length ?? 0)
  for (const direction of directions) {
    const by = weight()
    for (const [index, value] of direction.entries()) sum[index] = (sum[index] ?? 0) + by * value
  }
  return sum
}

function projected(row: Float64Array, basis: Float32Array, rank: number): Float64Array {
  return Float64Array.from({ length: rank }, (_, at) =>
    row.reduce((sum, value, column) => sum + value * (basis[column * rank + at] ?? 0), 0),
  )
}

function lengthOf(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector))
}

function dot(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}
