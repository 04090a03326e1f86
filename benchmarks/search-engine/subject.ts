/** A child of the benchmark: builds one index over all entries, asks it queries of each kind and sends back what that took. */
import { createInMemorySearch, createSearchIndex } from '@keelson/infrastructure'
import MiniSearch from 'minisearch'
import { type Entry, makeEntries, makeQueries, type QueryKind } from './entries.ts'

/** What is sent. */
export interface Measured {
  readonly buildSeconds: number
  /** Growth of heap and array buffers over the whole build, after collecting garbage. */
  readonly memoryMebibytes: number
  /** For the engine: bytes of a snapshot and the time to open it. */
  readonly snapshot?: { readonly mebibytes: number; readonly openMs: number }
  readonly queries: readonly { readonly kind: QueryKind; readonly p50Ms: number; readonly p95Ms: number }[]
}

/** `undefined` for a kind of query that the subject does not have. */
type Ask = (kind: QueryKind, text: string) => unknown

const batchSize = 500

const builders: Readonly<
  Record<string, (count: number) => Promise<{ readonly ask: Ask; readonly save?: () => Uint8Array }>>
> = {
  async engine(count) {
    const index = createSearchIndex()
    for (const batch of batches(count)) {
      index.upsert(batch.map(({ id, title, text, type }) => ({ id, title, text, attributes: { type } })))
    }
    const ask: Ask = (kind, text) =>
      kind === 'sorted'
        ? undefined
        : index.search({
            text,
            limit: 10,
            prefix: kind === 'prefix',
            ...(kind === 'facets' && { facets: ['type'] }),
            ...(kind === 'filter' && { filters: [{ attribute: 'type', equals: 'md' }] }),
          })
    return { ask, save: () => index.snapshot('') }
  },
  async port(count) {
    const search = createInMemorySearch()
    await search.createIndex('all', { title: 'title', text: ['text'], attributes: { type: 'string', pages: 'number' } })
    for (const batch of batches(count)) {
      const documents = batch.map(({ id, ...fields }) => ({ id, fields }))
      await search.waitFor(await search.upsert('all', documents))
    }
    const ask: Ask = (kind, text) =>
      search.search('all', {
        text,
        limit: 10,
        prefix: kind === 'prefix',
        ...(kind === 'facets' && { facets: [{ attribute: 'type' }] }),
        ...(kind === 'filter' && { filter: { attribute: 'pages', is: '<', value: 20 } }),
        ...(kind === 'sorted' && { sort: [{ attribute: 'pages', order: 'descending' }] }),
      })
    return { ask }
  },
  async minisearch(count) {
    const index = new MiniSearch({ fields: ['title', 'text'], storeFields: ['type', 'pages'] })
    for (const batch of batches(count)) index.addAll(batch)
    const ask: Ask = (kind, text) => {
      // It has no phrases: all words are the nearest it can ask for. Facets are counted over what it finds.
      const found = index.search(text, {
        prefix: kind === 'prefix',
        ...(kind === 'typo' && { fuzzy: 0.2 }),
        ...(kind === 'phrase' && { combineWith: 'AND' }),
        ...(kind === 'filter' && { filter: ({ pages }) => pages < 20 }),
      })
      if (kind === 'facets') return Map.groupBy(found, ({ type }) => type)
      if (kind === 'sorted') return found.toSorted((a, b) => b.pages - a.pages).slice(0, 10)
      return found.slice(0, 10)
    }
    return { ask }
  },
}

function* batches(count: number): Generator<Entry[]> {
  let batch: Entry[] = []
  for (const entry of makeEntries(count)) {
    batch.push(entry)
    if (batch.length < batchSize) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

const [subject = '', count = '', queryCount = ''] = process.argv.slice(2)
const measured = await measure(subject, Number(count), Number(queryCount))
process.send?.(measured, () => process.exit())

async function measure(name: string, count: number, queryCount: number): Promise<Measured> {
  const build = builders[name]
  if (!build) throw new Error(`There is no ${name}`)
  const before = usedMebibytes()
  const startedAt = performance.now()
  const { ask, save } = await build(count)
  const buildSeconds = (performance.now() - startedAt) / 1_000
  const memoryMebibytes = usedMebibytes() - before
  const queries = []
  for (const [kind, texts] of Object.entries(makeQueries(queryCount))) {
    // The keys of a record of query kinds.
    const one = kind as QueryKind
    if ((await ask(one, 'protein')) !== undefined) queries.push({ kind: one, ...(await timesOf(one, texts, ask)) })
  }
  return { buildSeconds, memoryMebibytes, queries, ...(save && { snapshot: await openAgain(save()) }) }
}

async function timesOf(kind: QueryKind, texts: readonly string[], ask: Ask): Promise<{ p50Ms: number; p95Ms: number }> {
  for (const text of texts.slice(0, 3)) await ask(kind, text)
  const times: number[] = []
  for (const text of texts) {
    const at = performance.now()
    await ask(kind, text)
    times.push(performance.now() - at)
  }
  times.sort((one, other) => one - other)
  const [p50Ms = 0, p95Ms = 0] = [0.5, 0.95].map((share) => times[Math.floor(share * times.length)])
  return { p50Ms, p95Ms }
}

async function openAgain(bytes: Uint8Array): Promise<{ mebibytes: number; openMs: number }> {
  const { openSnapshot } = await import('@keelson/infrastructure')
  const at = performance.now()
  openSnapshot(bytes)
  return { mebibytes: bytes.length / 2 ** 20, openMs: performance.now() - at }
}

function usedMebibytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}
