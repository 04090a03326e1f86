/**
 * Kills the processes of a small system and its PostgreSQL at random moments, and then compares what everybody was told with what is there:
 * the log with what writers sent and were answered, and every read model with a fold of the log from its first event.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FeedPosition,
  feedStart,
  follow,
  type RecordedEvent,
  type SqlEventStore,
  startProjections,
  startWorkflows,
} from '@keelson/events'
import type { Database } from '@keelson/kernel'
import { connectPostgresDatabase } from '@keelson/postgres'
import { type RealServer, startPostgres } from '../real-servers.ts'
import { openSoakStore, soakProjections, soakWorkflow } from './events-system.ts'
import { seededRandom } from './seeded-random.ts'
import type { SoakReport } from './soak-report.ts'

const pause = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs))
const settleTimeoutMs = 120_000

/** @param kills is how many there are, @param seed decides what is killed and when. */
export async function soakEvents(kills: number, seed: number): Promise<SoakReport> {
  const random = seededRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'keelson-soak-'))
  const postgres = await startPostgres()
  const database = await connectPostgresDatabase({ url: postgres.url, acquireTimeoutMs: 2_000 })
  const children: Child[] = []
  const reading = new AbortController()
  try {
    const store = await openSoakStore(database)
    await database.query('create table soak_steps (id text, step text)')
    for (const [at, role] of ['writer', 'writer', 'projector', 'projector', 'processor', 'processor'].entries())
      children.push(new Child(role, postgres.url, join(folder, `${role}-${at}`), seed + at))
    const live: number[] = []
    const reader = readLive(store, live, reading.signal)
    const killed = new Map<string, number>()
    for (let round = 0; round < kills; round++) {
      await pause(random() * 300)
      const kind = await strike(random, postgres, database, children)
      killed.set(kind, (killed.get(kind) ?? 0) + 1)
    }
    await Promise.all(children.map((child) => child.ready()))
    for (const child of children) await child.stop()
    const found = await settled(store, database)
    reading.abort()
    await reader
    const noted = notesIn(folder)
    const violations = [...noted.violations, ...(await violationsOf(store, noted, found, live))]
    return {
      rows: [
        ...[...killed].sort().map(([kind, count]) => ({ what: `killed: ${kind}`, count })),
        { what: 'appended events', count: found.log.length },
        { what: 'of them acknowledged', count: noted.kept.length },
        { what: 'sent, never acknowledged and not there', count: noted.sent.size - found.ids.size },
        { what: 'effects of projections', count: noted.effects.length },
        { what: 'steps of workflows', count: found.steps.length },
        { what: 'violations', count: violations.length },
      ],
      violations,
    }
  } finally {
    reading.abort()
    for (const child of children) await child.stop()
    await database.close()
    await postgres.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A process that is there again after each kill, and after each end of its own, as when it finds no database. */
class Child {
  readonly role: string
  readonly #words: readonly string[]
  readonly #seed: number
  #starts = 0
  #child: ChildProcess | undefined
  #ready = Promise.withResolvers<void>()
  #isWanted = true

  constructor(role: string, url: string, file: string, seed: number) {
    this.role = role
    this.#words = [url, file]
    this.#seed = seed
    this.#start()
  }

  /** Resolves when it is at work. */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  async kill(): Promise<void> {
    this.#ready = Promise.withResolvers<void>()
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  async stop(): Promise<void> {
    this.#isWanted = false
    await this.kill()
  }

  #start(): void {
    this.#starts += 1
    const script = join(import.meta.dirname, 'events-process.ts')
    const seed = String(this.#seed * 1_000 + this.#starts)
    const child = spawn(process.execPath, [script, this.role, ...this.#words, seed], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, NODE_V8_COVERAGE: '' },
    })
    child.stdout.on('data', () => this.#ready.resolve())
    child.once('exit', () => setTimeout(() => this.#isWanted && this.#start(), 20))
    this.#child = child
  }
}

/** Kills one thing that is at work. */
async function strike(
  random: () => number,
  postgres: RealServer,
  database: Database,
  children: readonly Child[],
): Promise<string> {
  const choice = random()
  if (choice < 0.08) {
    await postgres.crash()
    await postgres.start()
    return 'PostgreSQL with all its processes'
  }
  if (choice < 0.12) {
    await postgres.kill()
    await postgres.start()
    return 'PostgreSQL, its sessions a moment later'
  }
  if (choice < 0.2) {
    const others = `from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
    await database
      .query(`select pg_terminate_backend(pid) from (select pid ${others} order by random() limit 3) as some`)
      .catch(() => {})
    return 'three connections'
  }
  const child = children[Math.floor(random() * children.length)]
  await child?.ready()
  await pause(random() * 100)
  await child?.kill()
  return `${child?.role} process`
}

/** Follows the feed all the while, from where it was when the server went away. */
async function readLive(store: SqlEventStore, positions: number[], signal: AbortSignal): Promise<void> {
  let after: FeedPosition = feedStart
  while (!signal.aborted) {
    try {
      for await (const { position } of follow(store, { after, isLive: true, signal })) {
        positions.push(position)
        after = { position, epoch: 1 }
      }
    } catch {
      await pause(20)
    }
  }
}

interface Found {
  readonly log: readonly RecordedEvent[]
  readonly ids: ReadonlyMap<string, RecordedEvent>
  readonly steps: readonly string[]
}

/** What is there when projections and workflows have done all that is left to do. */
async function settled(store: SqlEventStore, database: Database): Promise<Found> {
  const projections = await startProjections({ store, projections: soakProjections(() => {}), leaseMs: 1_000 })
  const workflows = await startWorkflows({ store, definitions: [soakWorkflow], leaseMs: 1_000 })
  try {
    const log: RecordedEvent[] = []
    for await (const event of follow(store, { types: soakProjections(() => {})[0]?.types ?? [] })) log.push(event)
    const ordered = log.filter(({ type }) => type === 'Ordered').length
    const { position } = await store.head()
    for (const name of ['chained', 'applied']) await projections.waitFor(name, position, { timeoutMs: settleTimeoutMs })
    let steps: readonly { id: string; step: string }[] = []
    const until = Date.now() + settleTimeoutMs
    do {
      await pause(100)
      steps = (await database.query<{ id: string; step: string }>('select id, step from soak_steps')).rows
    } while (steps.length < 2 * ordered && Date.now() < until)
    return {
      log,
      ids: new Map(log.map((event) => [event.id, event])),
      steps: steps.map(({ id, step }) => `${id} ${step}`),
    }
  } finally {
    await workflows.close()
    await projections.close()
  }
}

interface Notes {
  readonly sent: ReadonlySet<string>
  readonly kept: readonly { id: string; stream: string; version: number; position: number }[]
  readonly effects: readonly number[]
  readonly violations: readonly string[]
}

function notesIn(folder: string): Notes {
  const sent = new Set<string>()
  const kept: Notes['kept'][number][] = []
  const effects: number[] = []
  const violations: string[] = []
  for (const file of readdirSync(folder)) {
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const [word, first = '', stream = '', version, position] = line.split(' ')
      if (word === 'sent') sent.add(first)
      else if (word === 'kept') kept.push({ id: first, stream, version: Number(version), position: Number(position) })
      else if (word === 'effect') effects.push(Number(first))
      else if (word === 'violation') violations.push(`${file}: ${line}`)
    }
  }
  return { sent, kept, effects, violations }
}

async function violationsOf(
  store: SqlEventStore,
  noted: Notes,
  found: Found,
  live: readonly number[],
): Promise<string[]> {
  const violations: string[] = []
  for (const { id, stream, version, position } of noted.kept) {
    const event = found.ids.get(id)
    if (event?.stream !== stream || event.version !== version || event.position !== position)
      violations.push(`lost or moved: ${id} was acknowledged at position ${position}`)
  }
  if (found.ids.size !== found.log.length) violations.push('an event is there twice')
  for (const { id } of found.log) if (!noted.sent.has(id)) violations.push(`nobody sent ${id}`)
  violations.push(...(await disorderIn(store)))
  const at = live.findIndex((position, index) => position !== index + 1)
  if (at >= 0) violations.push(`who followed the feed met position ${live[at]} where ${at + 1} was due`)
  const { position: head } = await store.head()
  if (live.length < found.log.length || live.length > head)
    violations.push('who followed the feed did not reach its end')
  for (const { what, numbers } of [
    { what: 'effect', numbers: noted.effects },
    { what: 'step of a workflow', numbers: found.steps },
  ])
    if (new Set<unknown>(numbers).size !== numbers.length) violations.push(`an ${what} was made twice`)
  const ordered = found.log.filter(({ type }) => type === 'Ordered')
  for (const { id } of ordered)
    for (const step of ['first', 'second'])
      if (!found.steps.includes(`${id} ${step}`)) violations.push(`the ${step} step of ${id} was never made`)
  violations.push(...(await differences(store.database, 'soak_chained', found.log)))
  violations.push(...(await differences(store.database, 'soak_applied', found.log)))
  const named = found.log.filter(({ type }) => type === 'Named')
  violations.push(...(await differences(store.database, 'soak_inlined', named)))
  return violations
}

/** Positions of the log and versions of each stream are dense and grow together, and its seals hold. */
async function disorderIn(store: SqlEventStore): Promise<string[]> {
  const violations: string[] = []
  const versions = new Map<string, number>()
  let last = 0
  for await (const { position, stream, version } of follow(store, { includeArchived: true })) {
    if (position !== last + 1) violations.push(`position ${position} follows ${last}`)
    if (version !== (versions.get(stream) ?? 0) + 1)
      violations.push(`version ${version} of ${stream} follows ${versions.get(stream)}`)
    last = position
    versions.set(stream, version)
  }
  for await (const _ of store.verify()) {
    // It throws when something is wrong.
  }
  return violations
}

/** Between a read model and a fold of the log from its first event. */
async function differences(database: Database, table: string, log: readonly RecordedEvent[]): Promise<string[]> {
  const chains = new Map<string, { count: number; chain: string }>()
  for (const { stream, position } of log) {
    const before = chains.get(stream)
    const chain = createHash('md5')
      .update(`${before?.chain ?? ''}${position}`)
      .digest('hex')
    chains.set(stream, { count: (before?.count ?? 0) + 1, chain })
  }
  const { rows } = await database.query<{ stream: string; count: number; chain: string }>(`select * from ${table}`)
  const violations = rows
    .filter(({ stream, chain }) => chains.get(stream)?.chain !== chain)
    .map(({ stream, count }) => `${table} has ${count} events of ${stream}, not these ${chains.get(stream)?.count}`)
  if (rows.length !== chains.size) violations.push(`${table} has ${rows.length} streams of ${chains.size}`)
  return violations
}
