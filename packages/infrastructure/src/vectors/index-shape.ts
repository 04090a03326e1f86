/** What is fixed when a vector index is created. */
import { infrastructureErrors } from '../errors.ts'

export interface IndexShape {
  /** How many numbers a vector has, from 1 to 65,536. */
  readonly dimension: number
  /** The model that makes the vectors, with its version. */
  readonly model: string
}

const largestDimension = 65_536

/** @throws VECTOR_INDEX_INVALID */
export function requireShape({ dimension }: IndexShape): void {
  if (Number.isInteger(dimension) && dimension >= 1 && dimension <= largestDimension) return
  const reason = `must be a whole number from 1 to ${largestDimension}, not ${dimension}`
  throw infrastructureErrors.VECTOR_INDEX_INVALID({ option: 'dimension', reason })
}
