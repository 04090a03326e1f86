/**
 * What vector search costs at the size where a graph pays: build time, time a query, recall against looking at everything, and memory,
 * beside hnswlib in C++ with the parameters that our graph starts with. Each is measured in a process of its own. `KEELSON_VECTORS` sets
 * how many made-up vectors there are, 100,000 by default; the real ones are skipped where the data is not.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BenchmarkResult, BenchmarkRow, BenchmarkTarget } from '../../tools/bench.ts'
import { hasScifact } from '../../tools/scifact.ts'
import type { Measured } from './subject.ts'

export async function run(): Promise<BenchmarkResult> {
  const rows: BenchmarkRow[] = []
  const targets: BenchmarkTarget[] = []
  for (const dataSet of hasScifact() ? ['clustered', 'sentences'] : ['clustered']) {
    const exact = await measure('exact', dataSet)
    const graph = await measure('graph', dataSet)
    const peer = await measure('hnswlib-node', dataSet)
    rows.push(
      ...rowsOf('exact', dataSet, exact, exact),
      ...rowsOf('graph', dataSet, graph, exact),
      ...rowsOf('hnswlib-node', dataSet, peer, exact),
    )
    targets.push(...targetsOf(dataSet, graph, exact, peer))
  }
  return { rows, targets }
}

async function measure(subject: string, dataSet: string): Promise<Measured> {
  const count = process.env.KEELSON_VECTORS ?? '100000'
  const child = fork(join(import.meta.dirname, 'subject.ts'), [subject, dataSet, count], { execArgv: ['--expose-gc'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The child for ${subject} ended with ${code}`)
  })
  const [measured] = await Promise.race([once(child, 'message'), ended])
  // What our own child sends.
  return measured as Measured
}

function rowsOf(subject: string, dataSet: string, measured: Measured, exact: Measured): BenchmarkRow[] {
  const { entries, buildSeconds, buildCpuSeconds, p50Ms, p95Ms, memoryMebibytes, delayMs } = measured
  const row = (metric: string, value: number, unit: string) => ({
    subject: `${subject}, ${entries} ${dataSet}`,
    metric,
    value,
    unit,
  })
  return [
    row('build, wall time', buildSeconds, 's'),
    row('build, CPU time', buildCpuSeconds, 's'),
    row('query p50', p50Ms, 'ms'),
    row('query p95', p95Ms, 'ms'),
    row('recall@10', recallOf(measured, exact), 'share'),
    row('memory', memoryMebibytes, 'MiB'),
    ...(delayMs
      ? [row('event loop late, p99', delayMs.p99, 'ms'), row('event loop late, longest', delayMs.longest, 'ms')]
      : []),
  ]
}

function targetsOf(dataSet: string, graph: Measured, exact: Measured, peer: Measured): BenchmarkTarget[] {
  const recall = recallOf(graph, exact)
  const build = graph.buildCpuSeconds / peer.buildCpuSeconds
  const query = graph.p50Ms / exact.p50Ms
  const name = (what: string) => `${dataSet}: ${what}`
  return [
    { name: name('recall@10, at least'), value: recall, bound: 0.98, unit: 'share', reached: recall >= 0.98 },
    { name: name('query p50, below'), value: query, bound: 1.25, unit: 'times exact', reached: query < 1.25 },
    {
      name: name('CPU time of build, below'),
      value: build,
      bound: 1.5,
      unit: 'times hnswlib-node',
      reached: build < 1.5,
    },
  ]
}

function recallOf({ found }: Measured, exact: Measured): number {
  const common = exact.found.map((numbers, at) => numbers.filter((number) => found[at]?.includes(number)).length)
  return common.reduce((sum, count) => sum + count, 0) / exact.found.flat().length
}
