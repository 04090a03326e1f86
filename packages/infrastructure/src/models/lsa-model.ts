/**
 * The embedding model that needs no weights from anywhere: latent semantic analysis (Deerwester et al. 1990), fitted on the corpus it
 * will search. Terms that keep the same company point the same way, so a text is found by words that do not stand in it. On technical
 * text that is worth more than the small general models one could ship.
 */
import { infrastructureErrors } from '../errors.ts'
import { type EmbeddingModel, normalise } from './embedding-model.ts'
import { decodeLsa, encodeLsa, type LsaParts } from './lsa-bytes.ts'
import {
  chooseTerms,
  countCorpus,
  countTerms,
  expectedUnknownShare,
  operationsPerCharacter,
  termFrequencyWeight,
  type Vocabulary,
  weighRows,
} from './lsa-corpus.ts'
import { requireCount } from './require-count.ts'
import { seededRandom } from './seeded-random.ts'
import { truncatedSvd } from './truncated-svd.ts'
import { WorkSlices } from './work-slices.ts'

/** Its `version` is a checksum of all that was fitted: two models with equal versions give equal vectors. */
export interface LsaModel extends EmbeddingModel {
  /** Texts it was fitted on. */
  readonly textCount: number
  /**
   * What `unknownShare` would give for more texts like those it was fitted on. Where recent texts are well above it (by 0.1, say), they
   * speak of something else, and it is time to fit anew.
   */
  readonly expectedUnknownShare: number
  /** How much of what the texts say the model does not know: the share, 0 to 1, of the weight of their terms. 0 for texts without terms. */
  unknownShare(texts: Iterable<string>): number
  /** The whole model, for `openLsa`. */
  toBytes(): Uint8Array
}

export interface LsaOptions {
  /** Numbers in a vector. The model has fewer where the corpus has not as many independent texts and terms. 256 by default. */
  readonly dimension?: number
  /** Terms kept at most: those in most texts. 50,000 by default. */
  readonly vocabularySize?: number
  /** The same corpus, options and seed give the same model, bit by bit. 1 by default. */
  readonly seed?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Fits a model on texts, which are read once. It takes about 7 s of one processor for 5,000 abstracts and 80 s for 100,000, in slices of
 * some 10 ms, between which the event loop has its turn; choosing the terms and writing the model are one slice each, 0.1 s at 5,000 and up
 * to 0.5 s at 100,000. Held at once: about 20 bytes for each distinct term of each text, every distinct term, and three times
 * `terms kept x dimension x 4` bytes. Rejects with the signal's reason soon after that aborts, and with what the corpus throws.
 *
 * @throws MODEL_CORPUS_EMPTY when no text has a term, MODEL_OPTIONS_INVALID
 *
 * @example
 * const model = await fitLsa(passages)
 * const [vector] = await model.embed(['how ships are built'])
 */
export async function fitLsa(
  corpus: AsyncIterable<string> | Iterable<string>,
  { dimension = 256, vocabularySize = 50_000, seed = 1, signal }: LsaOptions = {},
): Promise<LsaModel> {
  requireCount('dimension', dimension)
  requireCount('vocabularySize', vocabularySize)
  const slices = new WorkSlices(signal)
  const { vocabulary, rows, ...facts } = await readCorpus(corpus, vocabularySize, slices)
  const { rank, basis } = await truncatedSvd(rows, dimension, seededRandom(seed), slices)
  await slices.pause()
  const bytes = encodeLsa({ vocabulary, basis, facts: { ...facts, dimension: rank } })
  await slices.pause()
  return openLsa(bytes)
}

/** What is counted is let go before the long part begins. */
async function readCorpus(
  corpus: AsyncIterable<string> | Iterable<string>,
  vocabularySize: number,
  slices: WorkSlices,
) {
  const counted = await countCorpus(corpus, slices)
  const textCount = counted.starts.length - 1
  await slices.pause()
  const chosen = chooseTerms(counted, vocabularySize)
  await slices.pause()
  const rows = await weighRows(counted, chosen, slices)
  if (rows.columns.length === 0) throw infrastructureErrors.MODEL_CORPUS_EMPTY({ texts: textCount })
  const { vocabulary } = chosen
  const share = expectedUnknownShare(counted, chosen)
  return { vocabulary, rows, textCount, unknownWeight: vocabulary.unknownWeight, expectedUnknownShare: share }
}

/**
 * The model that `toBytes` wrote. Reads from `bytes` as they stand, without copying them: do not write to them afterwards.
 *
 * @throws MODEL_BYTES_INVALID when they are damaged, cut short, of another version or no model.
 */
export function openLsa(bytes: Uint8Array): LsaModel {
  const parts = decodeLsa(bytes)
  const { vocabulary, facts, checksum } = parts
  return {
    name: 'lsa',
    version: checksum.toString(16).padStart(8, '0'),
    dimension: facts.dimension,
    textCount: facts.textCount,
    expectedUnknownShare: facts.expectedUnknownShare,
    embed: (texts, { signal } = {}) => embedTexts(parts, texts, signal),
    unknownShare: (texts) => unknownShareOf(vocabulary, texts),
    toBytes: () => new Uint8Array(bytes),
  }
}

async function embedTexts(
  parts: LsaParts,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const slices = new WorkSlices(signal)
  const vectors: Float32Array[] = []
  for (const text of texts) {
    const pause = slices.spend(text.length * operationsPerCharacter)
    if (pause) await pause
    vectors.push(foldIn(parts, countTerms(text)))
  }
  return vectors
}

/** The weighted sum of what the terms of a text stand for. */
function foldIn({ vocabulary, basis, facts }: LsaParts, counts: ReadonlyMap<string, number>): Float32Array {
  const sum = new Float64Array(facts.dimension)
  for (const [term, count] of counts) {
    const position = vocabulary.terms.find(term)
    if (position < 0) continue
    const weight = termFrequencyWeight(count) * (vocabulary.weights[position] ?? 0)
    const at = position * sum.length
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (basis[at + i] ?? 0)
  }
  return normalise(Float32Array.from(sum))
}

function unknownShareOf({ terms, weights, unknownWeight }: Vocabulary, texts: Iterable<string>): number {
  let known = 0
  let unknown = 0
  for (const text of texts) {
    for (const [term, count] of countTerms(text)) {
      const position = terms.find(term)
      if (position < 0) unknown += termFrequencyWeight(count) * unknownWeight
      else known += termFrequencyWeight(count) * (weights[position] ?? 0)
    }
  }
  return unknown === 0 ? 0 : unknown / (known + unknown)
}
