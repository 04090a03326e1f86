/** The embedding port on an OpenAI-compatible endpoint. What comes back is counted and checked number by number: a vector that is not one would spoil an index for good. */
import { type EmbeddingModel, infrastructureErrors, normalise } from '@keelson/infrastructure'
import { isRecord } from '@keelson/kernel'
import type { OpenaiEndpoint } from './openai-endpoint.ts'
import { guessTokens } from './token-budget.ts'

export interface OpenaiEmbeddingOptions {
  readonly endpoint: OpenaiEndpoint
  /** As the endpoint calls it, such as `text-embedding-3-small`. */
  readonly model: string
  /** What tells the vectors of this model from those of an earlier one of the same name. '1' by default. */
  readonly version?: string
  /** Numbers in a vector, of which none is asked for: every answer must have as many. Where left out, the endpoint is asked once. */
  readonly dimension?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Bounds of one request: the endpoints known take 2,048 texts or 300,000 tokens, some servers fewer texts. */
const textsPerRequest = 128
const charactersPerRequest = 200_000

/**
 * Texts are sent in batches, one after the other, well-formed; blank ones are not sent. A text that is too long for the model is refused
 * by the endpoint (MODEL_REQUEST_REFUSED) and not cut.
 */
export async function connectOpenaiEmbedding(options: OpenaiEmbeddingOptions): Promise<EmbeddingModel> {
  const { endpoint, model, version = '1', signal } = options
  const dimension = options.dimension ?? (await askDimension(endpoint, model, signal))
  return {
    name: model,
    version,
    dimension,
    async embed(texts, { signal } = {}) {
      signal?.throwIfAborted()
      const vectors = texts.map(() => new Float32Array(dimension))
      for (const batch of batchesOf(texts)) {
        const answered = await request(
          endpoint,
          model,
          batch.map(({ text }) => text),
          signal,
        )
        for (const [position, numbers] of answered.entries()) {
          if (numbers.length !== dimension) {
            throw invalid(model, `a vector has ${numbers.length} numbers, not ${dimension}`)
          }
          vectors[batch[position]?.index ?? -1]?.set(numbers)
        }
      }
      return vectors.map(normalise)
    },
  }
}

async function askDimension(endpoint: OpenaiEndpoint, model: string, signal: AbortSignal | undefined): Promise<number> {
  const [numbers] = await request(endpoint, model, ['dimension'], signal)
  return numbers?.length ?? 0
}

interface PlacedText {
  readonly index: number
  readonly text: string
}

function* batchesOf(texts: readonly string[]): Generator<readonly PlacedText[]> {
  let batch: PlacedText[] = []
  let characters = 0
  for (const [index, text] of texts.entries()) {
    if (text.trim() === '') continue
    if (batch.length === textsPerRequest || (batch.length > 0 && characters + text.length > charactersPerRequest)) {
      yield batch
      batch = []
      characters = 0
    }
    batch.push({ index, text: text.toWellFormed() })
    characters += text.length
  }
  if (batch.length > 0) yield batch
}

/** One request within the budget; the vectors in the order of the texts. */
async function request(
  endpoint: OpenaiEndpoint,
  model: string,
  input: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly number[])[]> {
  const guess = input.reduce((sum, text) => sum + guessTokens(text), 0)
  const settle = endpoint.budget.setAside(model, guess)
  try {
    const body = { model, input, encoding_format: 'float' }
    const answer = await endpoint.json({ path: '/embeddings', model, body, signal })
    settle(tokensUsed(answer) ?? guess)
    return vectorsOf(model, answer, input.length)
  } finally {
    settle(0)
  }
}

function tokensUsed(answer: unknown): number | undefined {
  const usage = isRecord(answer) ? answer['usage'] : undefined
  const total = isRecord(usage) ? usage['total_tokens'] : undefined
  return typeof total === 'number' && total >= 0 ? total : undefined
}

function vectorsOf(model: string, answer: unknown, count: number): readonly (readonly number[])[] {
  const data = isRecord(answer) ? answer['data'] : undefined
  if (!Array.isArray(data)) throw invalid(model, 'it has no list of vectors')
  if (data.length !== count) throw invalid(model, `it has ${data.length} vectors for ${count} texts`)
  const vectors = new Map<number, readonly number[]>()
  for (const entry of data) {
    const { index, embedding }: Record<string, unknown> = isRecord(entry) ? entry : {}
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count || vectors.has(index)) {
      throw invalid(model, `a vector is for text ${JSON.stringify(index)} of ${count}`)
    }
    vectors.set(index, numbersOf(model, embedding))
  }
  return Array.from({ length: count }, (_, index) => vectors.get(index) ?? [])
}

function numbersOf(model: string, embedding: unknown): readonly number[] {
  if (!Array.isArray(embedding) || embedding.length === 0) throw invalid(model, 'a vector is not a list of numbers')
  for (const value of embedding) {
    // Beyond the range of a 32-bit float a number would become infinite when it is stored.
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) {
      throw invalid(model, `a vector holds ${JSON.stringify(value)}`)
    }
  }
  return embedding
}

function invalid(model: string, reason: string) {
  return infrastructureErrors.MODEL_ANSWER_INVALID({ model, reason })
}
