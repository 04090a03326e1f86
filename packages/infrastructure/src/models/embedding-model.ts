/**
 * The port of embedding models: texts become vectors whose nearness is nearness of meaning. Vectors of different models cannot be compared,
 * so a model says exactly which one it is, and whoever keeps vectors keeps that with them.
 */
import { definePort } from '@keelson/kernel'

/**
 * Promises:
 * - Equal `name`, `version` and `dimension` mean one space: what was embedded by one may be compared with what is embedded by the other.
 *   They never change while the model lives.
 * - `embed` gives one vector of `dimension` finite numbers for each text, in the order of the texts; equal texts get equal vectors up to
 *   rounding, whatever stands beside them. Any number of texts may be given: the model makes its own batches. The vectors are the caller's.
 * - A vector has length 1, or it is all zeros: the mark of a text of which the model knows nothing (empty, blank, only unknown words). It
 *   points nowhere and is near to nothing: `hasDirection` tells, and such a vector is neither to be indexed nor searched for.
 * - All texts are embedded or `embed` rejects. Calls may overlap. It rejects with the signal's reason soon after that aborts.
 */
export interface EmbeddingModel {
  readonly name: string
  readonly version: string
  /** Numbers in a vector. */
  readonly dimension: number
  /**
   * Models at an endpoint fail with MODEL_UNAVAILABLE (retryable), MODEL_REQUEST_REFUSED, MODEL_ANSWER_INVALID or MODEL_BUDGET_SPENT;
   * those in this process have no reason to.
   */
  embed(texts: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<Float32Array[]>
}

export const EmbeddingModel = definePort<EmbeddingModel>('embedding-model')

/** False for a vector of zeros, the mark of a text of which the model knows nothing. */
export function hasDirection(vector: Float32Array): boolean {
  return vector.some((value) => value !== 0)
}

/** Scales a vector to length 1, in place; one that has no length to speak of becomes all zeros. Returns it. */
export function normalise(vector: Float32Array): Float32Array {
  // Numbers whose squares are no longer finite, or nothing at all, are brought near 1 first.
  let largest = 0
  for (const value of vector) largest = Math.max(largest, Math.abs(value))
  if (largest === 0) return vector
  let squares = 0
  for (const value of vector) squares += (value / largest) ** 2
  const length = Math.sqrt(squares)
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) / largest / length
  return vector
}
