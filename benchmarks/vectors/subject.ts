/** A child of the benchmark: builds one index over one data set, searches it and sends back what that took and what was found. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createExactVectorIndex, createVectorIndex, type VectorIndex } from '@keelson/infrastructure'
import hnswlib from 'hnswlib-node'
import { clustered, dimension, sentences } from './data-sets.ts'

/** What is sent. */
export interface Measured {
  readonly entries: number
  readonly buildSeconds: number
  /** Of all threads: a machine that others use as well has no say in it. */
  readonly buildCpuSeconds: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly memoryMebibytes: number
  /** Of the graph, while it is built: how late timers of this process were. */
  readonly delayMs?: { readonly p99: number; readonly longest: number }
  /** By query: the numbers of the ten nearest. */
  readonly found: readonly (readonly number[])[]
}

interface Built {
  readonly search: (query: Float32Array) => readonly number[]
  readonly delayMs?: { readonly p99: number; readonly longest: number }
}

const shape = { dimension, model: 'benchmark' }
const builders: Readonly<Record<string, (vectors: readonly Float32Array[]) => Built | Promise<Built>>> = {
  exact(vectors) {
    const index = createExactVectorIndex(shape)
    fill(index, vectors)
    return { search: searchOf(index) }
  },
  async graph(vectors) {
    const index = createVectorIndex(shape)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    fill(index, vectors)
    delay.enable()
    await index.settle()
    delay.disable()
    return {
      search: searchOf(index),
      delayMs: { p99: delay.percentile(99) / 1e6, longest: delay.max / 1e6 },
    }
  },
  'hnswlib-node'(vectors) {
    const index = new hnswlib.HierarchicalNSW('ip', dimension)
    index.initIndex({ maxElements: vectors.length, m: 16, efConstruction: 128, randomSeed: 1 })
    for (const [number, vector] of vectors.entries()) index.addPoint(normalised(vector), number)
    index.setEf(128)
    return { search: (query) => index.searchKnn(normalised(query), 10).neighbors }
  },
}

const [subject = '', dataSet = '', count = ''] = process.argv.slice(2)
const measured = await measure(subject, dataSet, Number(count))
process.send?.(measured, () => process.exit())

async function measure(subject: string, name: string, count: number): Promise<Measured> {
  const build = builders[subject]
  const data = name === 'clustered' ? clustered(count, 200) : sentences(200)
  if (!build) throw new Error(`There is no ${subject}`)
  const memoryBefore = residentMebibytes()
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const { search, ...rest } = await build(data.vectors)
  const buildSeconds = (performance.now() - startedAt) / 1_000
  const cpu = process.cpuUsage(cpuBefore)
  const memoryMebibytes = residentMebibytes() - memoryBefore
  for (const query of data.queries.slice(0, 20)) search(query)
  const times: number[] = []
  const found = data.queries.map((query) => {
    const at = performance.now()
    const numbers = search(query)
    times.push(performance.now() - at)
    return numbers
  })
  times.sort((one, other) => one - other)
  const [p50Ms = 0, p95Ms = 0] = [0.5, 0.95].map((share) => times[Math.floor(share * times.length)])
  return {
    entries: data.vectors.length,
    buildSeconds,
    buildCpuSeconds: (cpu.user + cpu.system) / 1e6,
    p50Ms,
    p95Ms,
    memoryMebibytes,
    found,
    ...rest,
  }
}

function fill(index: VectorIndex, vectors: readonly Float32Array[]): void {
  for (let from = 0; from < vectors.length; from += 1_000) {
    const batch = vectors.slice(from, from + 1_000)
    index.upsert(batch.map((vector, at) => ({ id: `${from + at}`, vector, attributes: {} })))
  }
}

function searchOf(index: VectorIndex): Built['search'] {
  return (vector) => index.search({ vector, limit: 10 }).hits.map(({ id }) => Number(id))
}

/** What the peer takes: it does not normalise for inner products. */
function normalised(vector: Float32Array): number[] {
  const norm = Math.sqrt(vector.reduce((squares, number) => squares + number * number, 0))
  return Array.from(vector, (number) => number / norm)
}

function residentMebibytes(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage.rss() / 2 ** 20
}
