/**
 * One process of the soak of events, killed at any moment: `writer`, `projector` or `processor`, with the address of the database, a file for
 * what it did, and a seed. A line of that file is written before the next thing is done, so that it outlives the process.
 */
import { randomUUID } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { type Appended, type NewEvent, type SqlEventStore, startProjections, startWorkflows } from '@keelson/events'
import { isError } from '@keelson/kernel'
import { connectPostgresDatabase } from '@keelson/postgres'
import { openSoakStore, soakProjections, soakWorkflow } from './events-system.ts'
import { seededRandom } from './seeded-random.ts'

const [role, url = '', file = '', seed = '1'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const log = openSync(file, 'a')
const note = (...words: readonly (string | number)[]) => writeSync(log, `${words.join(' ')}\n`)
const pause = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs))

const lanes = 4
const database = await connectPostgresDatabase({ url, acquireTimeoutMs: 2_000 })
const store = await openSoakStore(database)
if (role === 'writer') for (let lane = 0; lane < lanes; lane++) void write(store, lane)
else if (role === 'projector') await project(store)
else await startWorkflows({ store, definitions: [soakWorkflow], leaseMs: 1_000 })
process.stdout.write('ready\n')

async function project(of: SqlEventStore): Promise<void> {
  const projections = await startProjections({
    store: of,
    projections: soakProjections((position) => note('effect', position)),
    leaseMs: 1_000,
    pageSize: 50,
    onFailure: ({ isParked, error }) => {
      if (isParked) note('violation', `an event was parked: ${String(error)}`)
    },
  })
  // Now and then it is killed in the middle of a rebuild.
  if (random() < 0.3) void projections.rebuild(random() < 0.5 ? 'chained' : 'applied').catch(() => {})
}

/** One append after the other, of every kind. */
async function write(to: SqlEventStore, lane: number): Promise<never> {
  const own = `own-${file.replace(/\W/g, '')}-${lane}`
  for (;;) {
    await pause(10 + random() * 50)
    const kind = random()
    try {
      if (kind < 0.6) await append(to, [[stream(), events('Written', 1 + Math.floor(random() * 3))]])
      else if (kind < 0.7) await append(to, [[own, events('Written', 1)]], (await to.readStream(own)).version)
      else if (kind < 0.8)
        await append(to, [
          [stream(), events('Written', 2)],
          [own, events('Written', 1)],
        ])
      else if (kind < 0.9) await append(to, [[stream(), events('Named', 2)]])
      else await append(to, [[stream(), events('Ordered', 1)]])
    } catch (error) {
      // The server was away for too long, or what a killed process had sent was appended after all.
      const isExpected =
        isError(error) && (error.code.startsWith('DATABASE_') || error.code === 'EVENTS_VERSION_CONFLICT')
      if (!isExpected) note('violation', `an append failed: ${String(error)}`)
    }
  }
}

function stream(): string {
  return `stream-${Math.floor(random() * 30)}`
}

function events(type: string, count: number): NewEvent[] {
  return Array.from({ length: count }, () => ({ type, id: randomUUID(), data: { writer: file } }))
}

async function append(to: SqlEventStore, parts: readonly [string, NewEvent[]][], expected?: number): Promise<void> {
  const appends = parts.map(([name, own]) => ({ stream: name, events: own, expected: expected ?? ('any' as const) }))
  for (const [, own] of parts) for (const { id } of own) note('sent', String(id))
  const appended = await to.appendAll(appends)
  for (const [at, [name, own]] of parts.entries()) acknowledge(name, own, appended[at])
  if (random() > 0.1) return
  const again = await to.appendAll(appends)
  const isSame = again.every(({ isRepeat, position }, at) => isRepeat && position === appended[at]?.position)
  if (!isSame) note('violation', 'a repeated append was appended twice')
}

function acknowledge(name: string, own: readonly NewEvent[], appended: Appended | undefined): void {
  for (const [at, { id }] of own.entries()) {
    const after = own.length - 1 - at
    note('kept', String(id), name, (appended?.version ?? 0) - after, (appended?.position ?? 0) - after)
  }
}
