/**
 * Steps and timers of durable workflows on a PostgreSQL of the benchmark's own with synchronous commit on: ours and DBOS, in one program each
 * with ten connections; ours on PGlite beside. A step returns a number and is written down. `KEELSON_TIMERS` sets how many instances sleep,
 * 1,000 by default.
 */
import { randomUUID } from 'node:crypto'
import { DBOS } from '@dbos-inc/dbos-sdk'
import { defineWorkflow, openEventStore, type SqlEventStore, startWorkflows, type Workflows } from '@keelson/events'
import { openPgliteDatabase } from '@keelson/pglite'
import { connectPostgresDatabase } from '@keelson/postgres'
import * as z from 'zod'
import type { BenchmarkResult, BenchmarkRow } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'
import { missingServers, startPostgres } from '../../tools/real-servers.ts'

const rounds = 3
const sides = [1, 32]
/** Steps of all instances of a round, by how many run side by side. */
const stepsOf: Readonly<Record<number, number>> = { 1: 400, 32: 3_200 }
const timers = Number(process.env['KEELSON_TIMERS'] ?? 1_000)
const sleepMs = 3_000

/** Runs what the benchmark asks for. */
interface Subject {
  readonly name: string
  /** Resolves when `instances` of `steps` steps each have ended. */
  run(instances: number, steps: number): Promise<void>
  /** How late each of so many instances woke, in milliseconds, whose sleep began at different times. */
  sleep(instances: number): Promise<readonly number[]>
}

const Counting = defineWorkflow({
  name: 'counting',
  version: 1,
  input: z.object({ steps: z.int() }),
  async run(context, { steps }) {
    let sum = 0
    for (let at = 0; at < steps; at++) sum += await context.step('add', () => at)
    return sum
  },
})

const Sleeping = defineWorkflow({
  name: 'sleeping',
  version: 1,
  input: z.object({ until: z.number() }),
  async run(context, { until }) {
    await context.sleep('nap', new Date(until))
    return context.step('woken', () => Date.now() - until)
  },
})

const countingWorkflow = DBOS.registerWorkflow(
  async (steps: number) => {
    let sum = 0
    for (let at = 0; at < steps; at++) sum += await DBOS.runStep(() => Promise.resolve(at), { name: 'add' })
    return sum
  },
  { name: 'counting' },
)

const sleepingWorkflow = DBOS.registerWorkflow(
  async (until: number) => {
    await DBOS.sleepms(until - Date.now())
    return DBOS.runStep(() => Promise.resolve(Date.now() - until), { name: 'woken' })
  },
  { name: 'sleeping' },
)

export async function run(): Promise<BenchmarkResult> {
  const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
  if (missing.length > 0) throw new Error(`Cannot measure without ${missing.join(' and ')}`)
  const server = await startPostgres(['shared_buffers=1GB', 'synchronous_commit=on', 'fsync=on', 'max_wal_size=4GB'])
  const database = await connectPostgresDatabase({ url: server.url })
  const embedded = await openPgliteDatabase()
  DBOS.setConfig({
    name: 'benchmark',
    systemDatabaseUrl: server.url.replace(/\/[^/]*$/, '/dbos'),
    systemDatabasePoolSize: 10,
    runAdminServer: false,
    logLevel: 'error',
  })
  try {
    const store = await openEventStore({ database })
    const inProcess = await openEventStore({ database: embedded })
    const ours = await startWorkflows({ store, definitions: [Counting, Sleeping] })
    const onPglite = await startWorkflows({ store: inProcess, definitions: [Counting, Sleeping] })
    await DBOS.launch()
    const subjects = [keelson('keelson', ours), dbos(), keelson('keelson on PGlite', onPglite)]
    const figures = new Map<string, number>()
    const rows: BenchmarkRow[] = []
    for (const side of sides) await measureSteps(subjects, side, figures, rows)
    for (const subject of subjects) await measureTimers(subject, rows)
    await measureScheduled(store, ours, rows)
    await ours.close()
    await onPglite.close()
    await store.close()
    await inProcess.close()
    return {
      rows,
      targets: sides.map((side) => {
        const value = (figures.get(`keelson ${side}`) ?? 0) / (figures.get(`DBOS ${side}`) ?? Number.NaN)
        const name = `steps of DBOS, ${side} side by side, at least`
        return { name, value, bound: 1, unit: 'x', reached: value >= 1 }
      }),
    }
  } finally {
    await DBOS.shutdown()
    await database.close()
    await embedded.close()
    await server.close()
  }
}

async function measureSteps(
  subjects: readonly Subject[],
  side: number,
  figures: Map<string, number>,
  rows: BenchmarkRow[],
): Promise<void> {
  const steps = (stepsOf[side] ?? 0) / side
  const taken = new Map(subjects.map(({ name }) => [name, [] as number[]]))
  for (let round = -1; round < rounds; round++)
    for (const subject of subjects) {
      globalThis.gc?.()
      const began = performance.now()
      await subject.run(side, steps)
      if (round >= 0) taken.get(subject.name)?.push((side * steps * 1_000) / (performance.now() - began))
    }
  for (const [name, all] of taken) {
    figures.set(`${name} ${side}`, median(all))
    rows.push({ subject: `${name}, ${side} side by side`, metric: 'steps', value: median(all), unit: '/s' })
  }
}

async function measureTimers(subject: Subject, rows: BenchmarkRow[]): Promise<void> {
  globalThis.gc?.()
  const late = (await subject.sleep(timers)).toSorted((a, b) => a - b)
  const name = `${subject.name}, ${timers} instances that wake at one time`
  rows.push({ subject: name, metric: 'late, p50', value: late[late.length >> 1] ?? Number.NaN, unit: 'ms' })
  rows.push({ subject: name, metric: 'late, last', value: late.at(-1) ?? Number.NaN, unit: 'ms' })
  rows.push({ subject: name, metric: 'timers', value: (timers * 1_000) / (late.at(-1) ?? Number.NaN), unit: '/s' })
}

/** Events that are all due at one time, until the last has been appended. */
async function measureScheduled(store: SqlEventStore, workflows: Workflows, rows: BenchmarkRow[]): Promise<void> {
  const due = Date.now() + sleepMs
  const run = randomUUID()
  await Promise.all(
    Array.from({ length: timers }, (_, at) =>
      workflows.schedule(`${run}-${at % 50}`, { type: 'Due', data: { at } }, new Date(due)),
    ),
  )
  const streams = Array.from({ length: 50 }, (_, at) => `${run}-${at}`)
  for (;;) {
    const slices = await Promise.all(streams.map((stream) => store.readStream(stream)))
    if (slices.reduce((sum, { version }) => sum + version, 0) >= timers) break
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const value = (timers * 1_000) / (Date.now() - due)
  rows.push({ subject: `keelson, ${timers} events due at one time`, metric: 'appended', value, unit: '/s' })
}

function keelson(name: string, workflows: Workflows): Subject {
  return {
    name,
    async run(instances, steps) {
      const ids = Array.from({ length: instances }, () => randomUUID())
      await Promise.all(ids.map((id) => workflows.start(Counting, id, { steps })))
      await Promise.all(ids.map((id) => workflows.result('counting', id)))
    },
    async sleep(instances) {
      const until = Date.now() + sleepMs
      const ids = Array.from({ length: instances }, () => randomUUID())
      await Promise.all(ids.map((id) => workflows.start(Sleeping, id, { until })))
      return Promise.all(ids.map(async (id) => Number(await workflows.result('sleeping', id))))
    },
  }
}

function dbos(): Subject {
  const start = <Input, Output>(work: (input: Input) => Promise<Output>, input: Input) =>
    DBOS.startWorkflow(work, { workflowID: randomUUID() })(input)
  return {
    name: 'DBOS',
    async run(instances, steps) {
      const handles = await Promise.all(Array.from({ length: instances }, () => start(countingWorkflow, steps)))
      await Promise.all(handles.map((handle) => handle.getResult()))
    },
    async sleep(instances) {
      const until = Date.now() + sleepMs
      const handles = await Promise.all(Array.from({ length: instances }, () => start(sleepingWorkflow, until)))
      return Promise.all(handles.map((handle) => handle.getResult()))
    },
  }
}
