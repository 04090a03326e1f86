/**
 * What full-text search costs at 100,000 entries of 250 words: build time, memory and time a query by kind, for the engine, the port in
 * memory on top of it, and MiniSearch. Each is measured in a process of its own. `KEELSON_ENTRIES` sets how many entries there are.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BenchmarkResult, BenchmarkRow, BenchmarkTarget } from '../../tools/bench.ts'
import type { Measured } from './subject.ts'

const queriesPerKind = 50

export async function run(): Promise<BenchmarkResult> {
  const engine = await measure('engine')
  const port = await measure('port')
  const peer = await measure('minisearch')
  return {
    rows: [...rowsOf('engine', engine), ...rowsOf('port in memory', port), ...rowsOf('MiniSearch 7.2', peer)],
    targets: targetsOf(engine, peer),
  }
}

async function measure(subject: string): Promise<Measured> {
  const count = process.env.KEELSON_ENTRIES ?? '100000'
  const child = fork(join(import.meta.dirname, 'subject.ts'), [subject, count, String(queriesPerKind)], {
    execArgv: ['--expose-gc', '--max-old-space-size=8192'],
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The child for ${subject} ended with ${code}`)
  })
  const [measured] = await Promise.race([once(child, 'message'), ended])
  // What our own child sends.
  return measured as Measured
}

function rowsOf(subject: string, { buildSeconds, memoryMebibytes, snapshot, queries }: Measured): BenchmarkRow[] {
  const row = (metric: string, value: number, unit: string) => ({ subject, metric, value, unit })
  return [
    row('build', buildSeconds, 's'),
    row('memory', memoryMebibytes, 'MiB'),
    ...(snapshot ? [row('snapshot', snapshot.mebibytes, 'MiB'), row('open snapshot', snapshot.openMs, 'ms')] : []),
    ...queries.flatMap(({ kind, p50Ms, p95Ms }) => [
      row(`${kind}, p50`, p50Ms, 'ms'),
      row(`${kind}, p95`, p95Ms, 'ms'),
    ]),
  ]
}

function targetsOf(engine: Measured, peer: Measured): BenchmarkTarget[] {
  const slowest = engine.queries.reduce((most, { p95Ms }) => Math.max(most, p95Ms), 0)
  const median = (of: Measured) => of.queries.find(({ kind }) => kind === 'claim')?.p50Ms ?? 0
  const claim = median(engine) / median(peer)
  const memory = engine.memoryMebibytes
  return [
    {
      name: 'slowest kind of query of the engine, p95 below',
      value: slowest,
      bound: 50,
      unit: 'ms',
      reached: slowest < 50,
    },
    { name: 'claim of the engine, p50 below', value: claim, bound: 1, unit: 'times MiniSearch', reached: claim < 1 },
    { name: 'memory of the engine, below', value: memory, bound: 315, unit: 'MiB', reached: memory < 315 },
  ]
}
