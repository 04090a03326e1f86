/** Vectors and histories for the cases of `VectorIndex`. The same seed gives the same everywhere. */
import { randomNumbers } from '../search/random-history.ts'
import type { VectorEntry, VectorIndex } from './vector-index.ts'

/** Every direction equally likely. */
export function uniformVectors(count: number, dimension: number, seed: number): Float32Array[] {
  const normal = normalNumbers(seed)
  return Array.from({ length: count }, () => Float32Array.from({ length: dimension }, normal))
}

/**
 * Crowds in a space of fewer dimensions than the vectors have, as embeddings of texts lie: a centre for every 50 vectors, the distance
 * between neighbours of one crowd about half of that between crowds.
 */
export function clusteredVectors(count: number, dimension: number, seed: number): Float32Array[] {
  const latent = Math.ceil(dimension / 4)
  const normal = normalNumbers(seed)
  const centres = uniformVectors(Math.ceil(count / 50), latent, seed + 1)
  const directions = uniformVectors(latent, dimension, seed + 2)
  return Array.from({ length: count }, (_, number) => {
    const vector = new Float32Array(dimension)
    for (const [at, centre] of (centres[number % centres.length] ?? new Float32Array()).entries()) {
      const along = centre + normal() / 2
      for (const [i, step] of (directions[at] ?? new Float32Array()).entries())
        vector[i] = (vector[i] ?? 0) + along * step
    }
    return vector
  })
}

/** A random run of changes, and the entries that are there at its end. */
export function randomHistory(
  index: VectorIndex,
  { ids, steps, seed }: { ids: number; steps: number; seed: number },
): Map<string, VectorEntry> {
  const random = randomNumbers(seed)
  const entries = new Map<string, VectorEntry>()
  const below = (limit: number) => Math.floor(random() * limit)
  // Fewer vectors than entries, so that there are equal scores.
  const vectors = clusteredVectors(Math.ceil(ids * 0.8), index.dimension, seed)
  for (let step = 0; step < steps; step++) {
    const changedIds = Array.from({ length: below(12) }, () => `id-${below(ids)}`)
    if (random() < 0.35) {
      index.remove(changedIds)
      for (const id of changedIds) entries.delete(id)
      continue
    }
    const changed = changedIds.map((id): VectorEntry => {
      const path = `p${below(10)}/${below(10)}`
      const attributes: Record<string, string> = random() < 0.5 ? { path, odd: 'yes' } : { path }
      return { id, vector: vectors[below(vectors.length)] ?? new Float32Array(), attributes }
    })
    index.upsert(changed)
    for (const one of changed) entries.set(one.id, one)
  }
  return entries
}

/** The cosine, reckoned in full. */
export function cosine(one: Float32Array, other: Float32Array): number {
  let product = 0
  let squares = 0
  let otherSquares = 0
  for (const [i, number] of one.entries()) {
    const otherNumber = other[i] ?? 0
    product += number * otherNumber
    squares += number * number
    otherSquares += otherNumber * otherNumber
  }
  return product / Math.sqrt(squares * otherSquares)
}

/** The share of the best that `index` finds, over all queries. */
export function recall(
  index: Pick<VectorIndex, 'search'>,
  entries: Iterable<VectorEntry>,
  queries: readonly Float32Array[],
  limit = 10,
): number {
  const all = [...entries]
  let found = 0
  for (const vector of queries) {
    const scores = all.map((entry) => cosine(vector, entry.vector)).sort((one, other) => other - one)
    const least = (scores[Math.min(limit, scores.length) - 1] ?? 0) - 0.000002
    found += index.search({ vector, limit }).hits.filter(({ score }) => score >= least).length
  }
  return found / (queries.length * Math.min(limit, all.length))
}

/** The method of Box and Muller. */
function normalNumbers(seed: number): () => number {
  const random = randomNumbers(seed)
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
