/**
 * How long a change of the configuration takes, with 100 sections of six settings each: from the moment the file has been written to the
 * call of the watcher, and from the call of `update()` to its end. Everything is merged and validated again each time. There is no peer.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Configuration, Secret } from '@keelson/kernel'
import * as z from 'zod'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'

const rounds = 101
const Section = z.object({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(0),
  roots: z.array(z.string()).default([]),
  limits: z.object({ maxBytes: z.int().min(1).default(1024), perMinute: z.int().min(1).default(60) }).prefault({}),
  apiKey: z.string().min(8).meta(Secret.meta).transform(Secret.of),
})
const names = Array.from({ length: 100 }, (_, at) => `service-${at}`)

export async function run(): Promise<BenchmarkResult> {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-config-reload-'))
  const path = join(folder, 'keelson.json')
  try {
    writeFileSync(path, fileWith(1))
    const configuration = new Configuration({
      sections: Object.fromEntries(names.map((name) => [name, Section])),
      base: { name: 'code', values: Object.fromEntries(names.map((name) => [name, { apiKey: 'a-secret-of-code' }])) },
      file: { path, isRequired: true },
      variables: process.env,
    })
    await configuration.load()
    const written: number[] = []
    const renamed: number[] = []
    const updated: number[] = []
    for (let round = 1; round <= rounds; round++) {
      written.push(await untilTold(configuration, () => writeFileSync(path, fileWith(3 * round))))
      renamed.push(
        await untilTold(configuration, () => {
          writeFileSync(`${path}.new`, fileWith(3 * round + 1))
          renameSync(`${path}.new`, path)
        }),
      )
      updated.push(await timed(() => configuration.update('service-50.port', 3 * round + 2)))
      await configuration.update('service-50.port', undefined)
    }
    return {
      rows: [
        ...rowsOf('file written to watcher called', written),
        ...rowsOf('file renamed to watcher called', renamed),
        ...rowsOf('update() to its end', updated),
      ],
      targets: [
        target('file to watcher, slowest round, below', Math.max(...written, ...renamed)),
        target('update(), slowest round, below', Math.max(...updated)),
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Every section has values in the file; one changes from round to round. */
function fileWith(port: number): string {
  const sections = names.map((name, at) => [
    name,
    { port: at === 50 ? port : at, roots: ['/data'], limits: { perMinute: 9 } },
  ])
  return JSON.stringify(Object.fromEntries(sections))
}

/** Milliseconds from the end of `change` to the watcher's call. The clock of the round starts once the watch has had its first look. */
async function untilTold(configuration: Configuration, change: () => void): Promise<number> {
  const told = Promise.withResolvers<number>()
  const stop = configuration.watch(() => told.resolve(performance.now()))
  await new Promise((resolve) => setTimeout(resolve, 50))
  change()
  const before = performance.now()
  // A watched file keeps no process alive; a timer does.
  const patience = setTimeout(() => told.reject(new Error('The watcher was not called')), 10_000)
  const after = await told.promise
  clearTimeout(patience)
  stop()
  return after - before
}

async function timed(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

function rowsOf(subject: string, values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  return [
    { subject, metric: 'median', value: median(values), unit: 'ms' },
    { subject, metric: 'p99', value: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN, unit: 'ms' },
  ]
}

function target(name: string, value: number) {
  return { name, value, bound: 100, unit: 'ms', reached: value < 100 }
}
