/**
 * What embeddings without downloaded weights cost and what they find on SciFact (Wadden et al. 2020): LSA fitted on the corpus and hashed
 * n-grams, alone, and fused with BM25 as `fuse` does by default. Gains are paired by query, so an interval is given with each.
 */
import {
  createHashEmbedding,
  createSearchIndex,
  type EmbeddingModel,
  fitLsa,
  fuse,
  type LsaModel,
  type RankedHit,
} from '@keelson/infrastructure'
import type { BenchmarkResult, BenchmarkRow } from '../../tools/bench.ts'
import { type Collection, normalisedGain, type Passage, readScifact, recall } from '../../tools/scifact.ts'

type Rank = (query: string) => Promise<readonly RankedHit[]>

export async function run(): Promise<BenchmarkResult> {
  const collection = readScifact()
  const { passages } = collection
  const rows: BenchmarkRow[] = []
  const lsa = await measureFit(passages, rows)
  const index = createSearchIndex()
  index.upsert(passages.map(({ id, title, text }) => ({ id, title, text, attributes: {} })))
  const keyword: Rank = async (query) => index.search({ text: query, limit: 100 }).hits
  const bm25 = await evaluate('BM25', keyword, collection, rows)
  const models = {
    'LSA 256': lsa,
    'hashed n-grams 256': createHashEmbedding(256),
    'hashed n-grams 2048': createHashEmbedding(),
  }
  const fusedGains: Record<string, readonly number[]> = {}
  for (const [name, model] of Object.entries(models)) {
    const dense = await denseRanking(name, model, passages, rows)
    await evaluate(name, dense, collection, rows)
    const both: Rank = async (query) => fuse(await keyword(query), await dense(query))
    fusedGains[name] = await evaluate(`BM25 with ${name}`, both, collection, rows)
    rows.push(...gainOver(bm25, fusedGains[name], `BM25 with ${name}`))
  }
  const gain = mean(fusedGains['LSA 256'] ?? []) - mean(bm25)
  return {
    rows,
    targets: [
      { name: 'BM25 with LSA over BM25, at least', value: gain, bound: 0, unit: 'nDCG@10', reached: gain >= 0 },
    ],
  }
}

async function measureFit(passages: readonly Passage[], rows: BenchmarkRow[]): Promise<LsaModel> {
  const subject = 'LSA 256'
  const memoryBefore = process.resourceUsage().maxRSS
  const processorBefore = process.cpuUsage()
  const startedAt = performance.now()
  const stall = watchEventLoop()
  const model = await fitLsa(passages.map(textOf))
  const stallMs = stall()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(processorBefore)
  rows.push(
    { subject, metric: 'fit', value: wallMs / 1_000, unit: 's' },
    { subject, metric: 'fit, processor time', value: (user + system) / 1e6, unit: 's' },
    { subject, metric: 'longest stall of the event loop', value: stallMs, unit: 'ms' },
    {
      subject,
      metric: 'added to peak memory',
      value: (process.resourceUsage().maxRSS - memoryBefore) / 1_024,
      unit: 'MiB',
    },
    { subject, metric: 'size of its bytes', value: model.toBytes().length / 2 ** 20, unit: 'MiB' },
  )
  return model
}

/** The returned function stops watching and gives the longest time between two turns, in milliseconds. */
function watchEventLoop(): () => number {
  let longest = 0
  let last = performance.now()
  let isWatching = true
  const turn = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (isWatching) setImmediate(turn)
  }
  setImmediate(turn)
  return () => {
    isWatching = false
    return longest
  }
}

async function denseRanking(
  subject: string,
  model: EmbeddingModel,
  passages: readonly Passage[],
  rows: BenchmarkRow[],
): Promise<Rank> {
  const startedAt = performance.now()
  const vectors = await model.embed(passages.map(textOf))
  rows.push({
    subject,
    metric: 'embed an abstract',
    value: (performance.now() - startedAt) / passages.length,
    unit: 'ms',
  })
  return async (query) => {
    const [direction = new Float32Array()] = await model.embed([query])
    return passages
      .map(({ id }, at) => ({ id, score: dot(direction, vectors[at] ?? direction) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 100)
  }
}

/** nDCG@10 by query of the test set; adds the means to the rows. */
async function evaluate(
  subject: string,
  rank: Rank,
  { queries, relevant }: Collection,
  rows: BenchmarkRow[],
): Promise<readonly number[]> {
  const gains: number[] = []
  const recalls: number[] = []
  for (const [id, wanted] of relevant) {
    const ids = (await rank(queries.get(id) ?? '')).map((hit) => hit.id)
    gains.push(normalisedGain(ids, wanted))
    recalls.push(recall(ids, wanted))
  }
  rows.push(
    { subject, metric: 'nDCG@10', value: mean(gains), unit: '' },
    { subject, metric: 'Recall@100', value: mean(recalls), unit: '' },
  )
  return gains
}

/** The mean gain and its interval of 95 % by a paired bootstrap of 10,000 samples. */
function gainOver(before: readonly number[], after: readonly number[], subject: string): BenchmarkRow[] {
  const gains = after.map((value, query) => value - (before[query] ?? 0))
  const means = Array.from({ length: 10_000 }, () => {
    let sum = 0
    for (let i = 0; i < gains.length; i++) sum += gains[Math.floor(Math.random() * gains.length)] ?? 0
    return sum / gains.length
  }).sort((a, b) => a - b)
  return [
    { subject, metric: 'gain over BM25', value: mean(gains), unit: 'nDCG@10' },
    { subject, metric: 'gain over BM25, 95 % from', value: means[250] ?? 0, unit: 'nDCG@10' },
    { subject, metric: 'gain over BM25, 95 % to', value: means[9_749] ?? 0, unit: 'nDCG@10' },
  ]
}

function textOf({ title, text }: Passage): string {
  return `${title}\n${text}`
}

function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0
  for (let i = 0; i < one.length; i++) sum += (one[i] ?? 0) * (other[i] ?? 0)
  return sum
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
