/**
 * Runs projections: a worker per partition of every generation that this program has the code for, rebuilds beside what is live, the
 * switch when they have drawn level, and waiting for one's own writes. Several processes may run the same projections and share them.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, type HealthCheck, isError, migrate, reasonOf, systemClock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { PartitionWorker, type ProjectionHooks } from './partition-worker.ts'
import type { Projection } from './projection.ts'
import { projectionMetrics, type Standing } from './projection-metrics.ts'
import {
  type Generation,
  type GenerationState,
  type ParkedRow,
  ProjectionTables,
  projectionTables,
} from './projection-tables.ts'

export interface ProjectionsOptions {
  readonly store: SqlEventStore
  readonly projections: readonly Projection[]
  readonly metrics?: Metrics
  /** Told of everything that fails; what it throws is ignored. */
  readonly onFailure?: (failure: ProjectionFailure) => void
  readonly clock?: Clock
  /** Who runs, in the list of owners. Made when it is left out; two processes must not share one. */
  readonly owner?: string
  /** After which silence another process takes over. Default 10,000. */
  readonly leaseMs?: number
  /** Positions read at once. Default 500. */
  readonly pageSize?: number
  /** How long `apply` may take for a page. Default 30,000. */
  readonly applyTimeoutMs?: number
  /** Tries before an event is parked. Default 3. */
  readonly attempts?: number
}

export interface ProjectionFailure {
  readonly projection: string
  readonly error: unknown
  /** The event it happened at, or the checkpoint it was on the way from. */
  readonly position: number
  readonly isParked: boolean
}

export interface ProjectionStatus {
  readonly name: string
  readonly version: number
  readonly generation: number
  readonly state: GenerationState
  /** Everything up to it has been handled. */
  readonly position: number
  /** Events of the log that have not been. */
  readonly lag: number
  readonly parked: number
  /** Why it could not take the place of the live one when that was tried last. */
  readonly problem: string | null
  /** Processes that have a partition of it. */
  readonly owners: readonly string[]
}

export interface Projections {
  /** Resolves when the live generation has everything up to `position`. Rejects with EVENTS_PROJECTION_BEHIND. */
  waitFor(name: string, position: number, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>
  /** Of all generations that are not retired, those of other processes and of projections that do not run here included. */
  status(): Promise<readonly ProjectionStatus[]>
  /** Fills new tables from the first event, beside the live ones, and puts them in their place when they have drawn level; resolves then. */
  rebuild(
    name: string,
    options?: { signal?: AbortSignal; onProgress?: (progress: { done: number; total: number }) => void },
  ): Promise<void>
  /** What could not be handled. */
  parked(name: string): Promise<readonly ParkedRow[]>
  /** Tries what is parked again; resolves with how many are parked still when all have been tried. */
  replayParked(name: string): Promise<number>
  /** Failed while a partition has no owner that gets on; degraded while events are parked. */
  health(): Promise<HealthCheck>
  /** Lets what is under way finish, and others take over at once; safe to repeat. */
  close(): Promise<void>
}

/** Between looks at the generations: how soon a process takes up what another one began. */
const lookMs = 500
/** Between tries of a switch that cannot be made. */
const longestSwitchPauseMs = 300_000
/** How long what is asked of the owner of a partition may take to be done. */
const replayTimeoutMs = 60_000

/** Makes tables for what has none, and starts. Rejects with EVENTS_PROJECTION_INVALID for two of one name, and with DATABASE_NEWER. */
export async function startProjections(options: ProjectionsOptions): Promise<Projections> {
  const { store, projections } = options
  const names = projections.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw eventsErrors.EVENTS_PROJECTION_INVALID({ projection: twice, reason: 'there are two' })
  await migrate(store.database, 'projections', projectionTables)
  const running = new RunningProjections(options)
  await running.start()
  return running
}

class RunningProjections implements Projections {
  readonly #options: ProjectionsOptions
  readonly #clock: Clock
  readonly #store: SqlEventStore
  readonly #tables: ProjectionTables
  readonly #projections: ReadonlyMap<string, Projection>
  readonly #hooks: ProjectionHooks
  readonly #workers = new Map<string, PartitionWorker>()
  readonly #stop = new AbortController()
  #looking: Promise<void> = Promise.resolve()
  #lookFailure: string | undefined
  /** Switches that could not be made, by projection. */
  readonly #failedSwitches = new Map<string, { readonly count: number; readonly nextAt: number }>()
  /** Looks go one after the other: one with an old view would stop what another has started. */
  #lastLook: Promise<void> = Promise.resolve()

  constructor(options: ProjectionsOptions) {
    const { store, projections, clock = systemClock, owner = randomUUID(), leaseMs = 10_000 } = options
    this.#options = options
    this.#store = store
    this.#clock = clock
    this.#tables = new ProjectionTables(store.database, store.log, owner, leaseMs)
    this.#projections = new Map(projections.map((projection) => [projection.name, projection]))
    const metrics =
      options.metrics &&
      projectionMetrics(
        options.metrics,
        options.projections.map(({ name }) => name),
        () => this.#standings(),
      )
    this.#hooks = {
      committed: (projection, page) => metrics?.committed(projection, page),
      failed: (projection, failure) => {
        metrics?.failed(projection, failure.isParked)
        try {
          options.onFailure?.({ projection, ...failure })
        } catch {
          // What hears of failures must not cause one.
        }
      },
    }
  }

  async start(): Promise<void> {
    for (const projection of this.#projections.values()) await this.#tables.ensureGeneration(projection, false)
    await this.#look()
    this.#looking = this.#keepLooking()
  }

  async waitFor(
    name: string,
    position: number,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { timeoutMs = 5_000, signal } = options
    this.#require(name)
    const startedAt = this.#clock.monotonic()
    const stop = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      stop.throwIfAborted()
      const reached = await this.#reached(name)
      if (reached >= position) return
      const waitedMs = this.#clock.monotonic() - startedAt
      if (waitedMs >= timeoutMs)
        throw eventsErrors.EVENTS_PROJECTION_BEHIND({ projection: name, position, reached, waitedMs })
      await this.#clock.sleep(Math.min(pauseMs, timeoutMs - waitedMs), stop)
    }
  }

  async status(): Promise<readonly ProjectionStatus[]> {
    const { position: head } = await this.#store.head()
    const generations = await this.#tables.generations()
    return Promise.all(
      generations.map(async (generation): Promise<ProjectionStatus> => {
        const partitions = await this.#tables.partitions(generation)
        const parked = await this.#tables.parked(generation)
        const position = leastOf(partitions)
        const owners = new Set(partitions.flatMap(({ owner }) => (owner ? [owner] : [])))
        const { name, version, generation: number, state, problem } = generation
        return {
          name,
          version,
          generation: number,
          state,
          position,
          lag: Math.max(0, head - position),
          parked: parked.length,
          problem,
          owners: [...owners],
        }
      }),
    )
  }

  async rebuild(
    name: string,
    options: { signal?: AbortSignal; onProgress?: (progress: { done: number; total: number }) => void } = {},
  ): Promise<void> {
    const projection = this.#require(name)
    await this.#tables.ensureGeneration(projection, true)
    const generations = await this.#tables.generations(name)
    const building = generations.find(({ state }) => state === 'building')
    const stop = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal
    for (;;) {
      stop.throwIfAborted()
      await this.#look()
      const [found, head] = [await this.#generation(name, building?.generation ?? 0), await this.#store.head()]
      const done = found
        ? Math.min(...(await this.#tables.partitions(found)).map(({ position }) => position))
        : head.position
      options.onProgress?.({ done, total: head.position })
      if (found?.state !== 'building') return
      if (found.problem !== null)
        throw eventsErrors.EVENTS_PROJECTION_SWITCH_FAILED({ projection: name, reason: found.problem })
      await this.#clock.sleep(20, stop)
    }
  }

  async parked(name: string): Promise<readonly ParkedRow[]> {
    this.#require(name)
    const live = await this.#live(name)
    return live ? this.#tables.parked(live) : []
  }

  async replayParked(name: string): Promise<number> {
    this.#require(name)
    await this.#tables.requestRetry(name)
    const until = this.#clock.monotonic() + replayTimeoutMs
    for (;;) {
      const parked = await this.parked(name)
      // One is no longer due when it was tried; those behind it wait for it.
      const first = parked[0]
      if (!first || !parked.some(({ isRetryDue }) => isRetryDue) || this.#clock.monotonic() > until)
        return parked.length
      await this.#clock.sleep(50, this.#stop.signal)
    }
  }

  async health(): Promise<HealthCheck> {
    const all = await this.status()
    const own = all.filter(({ name }) => this.#projections.has(name))
    const failed = own.flatMap((one) => this.#whyFailed(one) ?? [])
    if (failed.length > 0) return { status: 'failed', message: failed.join('; ') }
    const workers = [...this.#workers.values()]
    const hindered = [
      ...workers.flatMap(({ failure, generation: { name } }) => (failure === undefined ? [] : [`${name}: ${failure}`])),
      ...(this.#lookFailure === undefined ? [] : [`generations cannot be looked at: ${this.#lookFailure}`]),
      ...own.flatMap(({ name, version, problem }) =>
        problem === null ? [] : [`version ${version} of ${name} cannot take its place: ${problem}`],
      ),
      ...own.flatMap(({ name, parked }) => (parked > 0 ? [`${parked} events of ${name} are parked`] : [])),
    ]
    return hindered.length === 0 ? { status: 'ok' } : { status: 'degraded', message: [...new Set(hindered)].join('; ') }
  }

  #whyFailed({ name, version, state, owners, lag }: ProjectionStatus): string | undefined {
    const known = this.#projections.get(name)?.version ?? version
    if (state !== 'building' && known < version)
      return `version ${version} of ${name} has taken over, and this program knows ${known}`
    return owners.length === 0 && lag > 0 && state !== 'switching' ? `nobody runs ${name}` : undefined
  }

  async close(): Promise<void> {
    this.#stop.abort(eventsErrors.EVENTS_CLOSED({}))
    await this.#looking
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()))
    this.#workers.clear()
  }

  #require(name: string): Projection {
    const projection = this.#projections.get(name)
    if (!projection)
      throw eventsErrors.EVENTS_PROJECTION_UNKNOWN({ projection: name, known: [...this.#projections.keys()] })
    return projection
  }

  async #keepLooking(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#clock.sleep(lookMs, this.#stop.signal).catch(() => {})
      const looked = this.#look().then(() => {
        this.#lookFailure = undefined
      })
      await looked.catch((error: unknown) => {
        this.#lookFailure = reasonOf(error)
        if (!this.#stop.signal.aborted) this.#hooks.failed('all', { error, position: 0, isParked: false })
      })
    }
  }

  /** Starts workers for what this program has the code of, stops those of what was replaced, and switches what has drawn level. */
  #look(): Promise<void> {
    const look = this.#lastLook.then(() => this.#lookOnce())
    this.#lastLook = look.catch(() => {})
    return look
  }

  async #lookOnce(): Promise<void> {
    if (this.#stop.signal.aborted) return
    const generations = await this.#tables.generations()
    const wanted = new Map<string, () => PartitionWorker>()
    for (const generation of generations) {
      const projection = this.#projections.get(generation.name)
      if (!projection || projection.version !== generation.version) continue
      for (let partition = 0; partition < generation.partitions; partition++) {
        const key = `${generation.name} ${generation.generation} ${generation.state === 'building'} ${partition}`
        wanted.set(key, () => this.#worker(projection, generation, partition))
      }
    }
    for (const [key, worker] of this.#workers) {
      if (wanted.has(key)) continue
      this.#workers.delete(key)
      await worker.close()
    }
    for (const [key, start] of wanted)
      if (!this.#workers.has(key) && !this.#stop.signal.aborted) this.#workers.set(key, start())
    for (const building of generations.filter(({ state }) => state === 'building'))
      await this.#switchWhenLevel(building, generations)
  }

  async #switchWhenLevel(building: Generation, generations: readonly Generation[]): Promise<void> {
    const projection = this.#projections.get(building.name)
    const live = generations.find(
      ({ name, state }) => name === building.name && (state === 'live' || state === 'switching'),
    )
    if (!projection || projection.version !== building.version || !live) return
    const [reached, ahead] = await Promise.all([this.#tables.partitions(building), this.#tables.partitions(live)])
    const behind =
      Math.max(...ahead.map(({ position }) => position)) - Math.min(...reached.map(({ position }) => position))
    const isLevel = ahead.every(({ partition, position }) => (reached[partition]?.position ?? 0) >= position)
    if (live.state === 'switching') {
      if (isLevel || behind <= 0) await this.#switch(projection, live, building)
      return
    }
    if ((this.#failedSwitches.get(building.name)?.nextAt ?? 0) > this.#clock.monotonic()) return
    if (behind <= (this.#options.pageSize ?? 500)) await this.#tables.pauseLive(live)
  }

  /** The old version goes on after a switch that cannot be made; it is tried again after pauses that grow. */
  async #switch(projection: Projection, live: Generation, building: Generation): Promise<void> {
    const { name } = projection
    try {
      await this.#tables.switchOver(projection, live, building)
      this.#failedSwitches.delete(name)
    } catch (error) {
      if (!isError(error, 'DATABASE_QUERY_FAILED')) throw error
      await this.#tables.resumeLive(live, building, reasonOf(error))
      const count = (this.#failedSwitches.get(name)?.count ?? 0) + 1
      const pauseMs = Math.min(longestSwitchPauseMs, 1_000 * 2 ** (count - 1))
      this.#failedSwitches.set(name, { count, nextAt: this.#clock.monotonic() + pauseMs })
      this.#hooks.failed(name, { error, position: 0, isParked: false })
    }
  }

  #worker(projection: Projection, generation: Generation, partition: number): PartitionWorker {
    const { leaseMs = 10_000, pageSize = 500, applyTimeoutMs = 30_000, attempts = 3 } = this.#options
    const isBuilding = generation.state === 'building'
    return new PartitionWorker({
      store: this.#store,
      tables: this.#tables,
      projection,
      generation,
      partition,
      clock: this.#clock,
      leaseMs,
      pageSize,
      applyTimeoutMs,
      attempts,
      hooks: this.#hooks,
      limit: async () => (isBuilding ? this.#positionOfLive(generation.name, partition) : Number.POSITIVE_INFINITY),
    })
  }

  /** A building generation stays behind the live one, so that queries never go back and no effect is lost. */
  async #positionOfLive(name: string, partition: number): Promise<number> {
    const live = await this.#live(name)
    const partitions = live ? await this.#tables.partitions(live) : []
    return partitions[partition]?.position ?? leastOf(partitions)
  }

  async #live(name: string): Promise<Generation | undefined> {
    const generations = await this.#tables.generations(name)
    return generations.find(({ state }) => state === 'live' || state === 'switching')
  }

  async #generation(name: string, generation: number): Promise<Generation | undefined> {
    return (await this.#tables.generations(name)).find((one) => one.generation === generation)
  }

  /** Asked of this process first: most who wait have written here. */
  async #reached(name: string): Promise<number> {
    const own = this.#standings().get(name)
    if (own) return own.position
    const live = await this.#live(name)
    return live ? leastOf(await this.#tables.partitions(live)) : 0
  }

  /** Of live generations that this process has all partitions of. */
  #standings(): ReadonlyMap<string, Standing> {
    const standings = new Map<string, Standing>()
    const incomplete = new Set<string>()
    for (const { generation, position, head } of this.#workers.values()) {
      if (generation.state !== 'live') continue
      const { name } = generation
      if (position === undefined) incomplete.add(name)
      else {
        const before = standings.get(name)
        const lag = Math.max(before?.lag ?? 0, head - position)
        standings.set(name, { position: Math.min(before?.position ?? Number.POSITIVE_INFINITY, position), lag })
      }
    }
    for (const name of incomplete) standings.delete(name)
    return standings
  }
}

/** Where all partitions are; 0 when there is none, as of a generation that has just been replaced. */
function leastOf(partitions: readonly { readonly position: number }[]): number {
  return partitions.length === 0 ? 0 : Math.min(...partitions.map(({ position }) => position))
}
