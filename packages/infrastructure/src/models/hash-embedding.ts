/**
 * The embedding model that knows nothing beforehand: terms and pieces of them are hashed into the numbers of a vector. It is the twin of
 * the port, and serves searches until there is a corpus to fit a better model on.
 */
import { setImmediate } from 'node:timers/promises'
import { visitTokens } from '../search/analyzer.ts'
import { type EmbeddingModel, normalise } from './embedding-model.ts'
import { requireCount } from './require-count.ts'

/** Texts between two looks at the signal and the event loop: some milliseconds. */
const textsPerSlice = 16

/**
 * Hashed n-grams (the hashing trick with signs, Weinberger et al. 2009): each term, and at a lower weight each run of four characters in
 * it, adds to or takes from one number. Texts are near when they share words or parts of words. 2,048 numbers search about as well as a
 * fitted model of 256 on short texts; fewer collide more.
 *
 * @throws MODEL_OPTIONS_INVALID for a dimension that is no whole number from 1.
 */
export function createHashEmbedding(dimension = 2_048): EmbeddingModel {
  requireCount('dimension', dimension)
  return {
    name: 'hashed-n-grams',
    version: '1',
    dimension,
    async embed(texts, { signal } = {}) {
      const vectors: Float32Array[] = []
      for (const [index, text] of texts.entries()) {
        if (index % textsPerSlice === 0) {
          await setImmediate()
          signal?.throwIfAborted()
        }
        vectors.push(hashText(text, dimension))
      }
      return vectors
    },
  }
}

const gramLength = 4
const gramWeight = 0.3

function hashText(text: string, dimension: number): Float32Array {
  const counts = new Map<string, number>()
  visitTokens(text, ({ term, kind }) => {
    if (kind === 'word' || kind === 'compound') counts.set(term, (counts.get(term) ?? 0) + 1)
  })
  const vector = new Float32Array(dimension)
  const add = (feature: string, weight: number) => {
    const hash = hashOf(feature)
    const at = (hash >>> 1) % dimension
    vector[at] = (vector[at] ?? 0) + (hash & 1 ? weight : -weight)
  }
  for (const [term, count] of counts) {
    const weight = 1 + Math.log(count)
    add(term, weight)
    // The mark keeps a run of characters apart from a term that is written alike.
    for (const gram of gramsOf(`^${term}$`)) add(`#${gram}`, weight * gramWeight)
  }
  return normalise(vector)
}

function* gramsOf(term: string): Generator<string> {
  for (let start = 0; start + gramLength <= term.length; start++) yield term.slice(start, start + gramLength)
}

/** FNV-1a over UTF-16 units, mixed once more (as in MurmurHash3) so that its low bits are as good as the others. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
