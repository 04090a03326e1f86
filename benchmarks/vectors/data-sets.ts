/** The vectors that are searched: made up ones that lie in crowds, and real ones made of the sentences of scientific abstracts. */
import { readScifact } from '../../tools/scifact.ts'

export interface DataSet {
  readonly vectors: readonly Float32Array[]
  /** Of the same kind, but none of them. */
  readonly queries: readonly Float32Array[]
}

export const dimension = 384

/** A mixture of 500 crowds in a space of 64 dimensions, seen in 384. */
export function clustered(count: number, queries: number): DataSet {
  const normal = normalNumbers(1)
  const normalVector = (length: number) => Float32Array.from({ length }, normal)
  const centres = Array.from({ length: 500 }, () => normalVector(64))
  const directions = Array.from({ length: 64 }, () => normalVector(dimension))
  const all = Array.from({ length: count + queries }, (_, number) => {
    const vector = new Float32Array(dimension)
    for (const [at, centre] of (centres[number % centres.length] ?? vector).entries()) {
      add(vector, directions[at] ?? vector, centre + 0.6 * normal())
    }
    return vector
  })
  return { vectors: all.slice(0, count), queries: all.slice(count) }
}

/**
 * The sentences of the abstracts of SciFact, its claims as queries: words and pairs of words, weighted by how rare they are, each turned
 * into a direction of its own by a generator seeded with its hash, which is a random projection that needs no matrix.
 */
export function sentences(queries: number): DataSet {
  const { passages, queries: questions } = readScifact()
  const corpus = passages.flatMap(({ title, text }) => [title, ...sentencesOf(text)])
  const claims = [...questions.values()]
  const projection = new Projection(corpus)
  const project = (texts: readonly string[]) =>
    texts.map((text) => projection.of(text)).filter((vector) => vector.some((number) => number !== 0))
  return { vectors: project(corpus), queries: project(claims).slice(0, queries) }
}

class Projection {
  readonly #counts = new Map<string, number>()
  readonly #directions = new Map<string, Float32Array>()
  readonly #size: number

  constructor(corpus: readonly string[]) {
    this.#size = corpus.length
    for (const text of corpus) {
      for (const term of new Set(termsOf(text))) this.#counts.set(term, (this.#counts.get(term) ?? 0) + 1)
    }
  }

  of(text: string): Float32Array {
    const vector = new Float32Array(dimension)
    for (const term of new Set(termsOf(text))) {
      const count = this.#counts.get(term) ?? 0
      // A term that stands alone tells nothing of what is near.
      if (count > 1) add(vector, this.#directionOf(term), Math.log(this.#size / count))
    }
    return vector
  }

  #directionOf(term: string): Float32Array {
    const known = this.#directions.get(term)
    if (known) return known
    const direction = Float32Array.from({ length: dimension }, normalNumbers(hash(term)))
    this.#directions.set(term, direction)
    return direction
  }
}

function termsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return [...words, ...words.slice(1).map((word, at) => `${words[at]} ${word}`)]
}

function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.?!])\s+/)
}

function add(vector: Float32Array, direction: Float32Array, times: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) + times * (direction[i] ?? 0)
}

/** FNV-1a. */
function hash(text: string): number {
  let hashed = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hashed = Math.imul(hashed ^ text.charCodeAt(i), 0x01000193)
  return hashed
}

/** Normally distributed, by the method of Box and Muller over mulberry32. */
function normalNumbers(seed: number): () => number {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
