/**
 * Runs processes: begins, signals and cancels instances, and works on those that are due, as many programs at once as there are. Who is
 * killed in the middle loses nothing: its instances are taken over when its lease has run out, and go on from their journals.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, type Given, type HealthCheck, isError, migrate, type Schema, systemClock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import type { NewEvent } from '../store/event.ts'
import { hashedEventId } from '../store/event-ids.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import type { Process, ProcessDefinition } from './process.ts'
import { asJson, outcomeOf, resultOf, streamOf } from './process-journal.ts'
import { type ProcessMetrics, processMetrics } from './process-metrics.ts'
import { ProcessResults } from './process-results.ts'
import { ProcessRun } from './process-run.ts'
import { beginFromFeed } from './process-starts.ts'
import {
  type ClaimedInstance,
  type KnownProcess,
  type ProcessInstance,
  type ProcessStatus,
  ProcessTables,
  processTables,
} from './process-tables.ts'
import { ScheduledEvents } from './scheduled-events.ts'

export interface ProcessesOptions {
  readonly store: SqlEventStore
  /** Several versions of one name may stand side by side: new instances begin with the highest. */
  readonly definitions: readonly Process[]
  /** Instances that are worked on at once. Default 32; 0 for a program that only begins, signals and asks. */
  readonly concurrency?: number
  /** After which silence another program takes over. Default 10,000. */
  readonly leaseMs?: number
  readonly metrics?: Metrics
  /** Told of what fails beside the steps: the database, a definition that throws for an event. */
  readonly onFailure?: (error: unknown) => void
  readonly clock?: Clock
}

export interface Processes {
  /** Begins an instance; one of this id that is there already is left as it is, and false comes back. Rejects with PROCESS_INVALID for an input that does not fit. */
  start<Input extends Schema, Output>(
    definition: ProcessDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean>
  /** Gives what an instance waits for, or will. The same key again changes nothing. Rejects with PROCESS_NOT_FOUND or PROCESS_ENDED. */
  signal(process: string, id: string, name: string, value: unknown, options?: { key?: string }): Promise<void>
  /** Whatever the instance waits for rejects with PROCESS_CANCELLED, and so do its children. It ends when its code has. */
  cancel(process: string, id: string, reason: string): Promise<void>
  /** Resolves with what the instance returned, once it has. Rejects with PROCESS_FAILED or PROCESS_CANCELLED as it ended. */
  result(process: string, id: string, signal?: AbortSignal): Promise<unknown>
  /** The newest first. */
  list(filter?: {
    process?: string | undefined
    id?: string | undefined
    status?: ProcessStatus | undefined
    limit?: number
  }): Promise<readonly ProcessInstance[]>
  /** Lets a parked instance go on, with the code as it is now. False when it is not parked. */
  resume(process: string, id: string): Promise<boolean>
  /** Appends an event at a time, once. Gives its id; scheduling the same id again changes nothing. */
  schedule(stream: string, event: NewEvent, at: Date): Promise<string>
  /** False when it was appended already, or never scheduled. */
  unschedule(id: string): Promise<boolean>
  /** Degraded while an instance is parked; failed while nobody works on what has been due for half a minute. */
  health(): Promise<HealthCheck>
  /** Stops after what is being written; steps under way are cut off, and tried again by who takes over. */
  close(): Promise<void>
}

/** A program that is not told looks so often. */
const pollMs = 250
/** What is due for longer, nobody works on. */
const lateMs = 30_000

/** Brings the tables to this version and starts. Rejects with PROCESS_INVALID for two definitions of one name and version. */
export async function startProcesses(options: ProcessesOptions): Promise<Processes> {
  const keys = options.definitions.map(({ name, version }) => `${name} ${version}`)
  const twice = options.definitions.find((_, at) => keys.indexOf(keys[at] ?? '') !== at)
  if (twice)
    throw eventsErrors.PROCESS_INVALID({ process: twice.name, reason: `there are two of version ${twice.version}` })
  await migrate(options.store.database, 'processes', processTables)
  return new RunningProcesses(options)
}

interface Running {
  readonly instance: ClaimedInstance
  readonly run: ProcessRun
  readonly done: Promise<void>
}

class RunningProcesses implements Processes {
  readonly #options: ProcessesOptions
  readonly #clock: Clock
  readonly #store: SqlEventStore
  readonly #tables: ProcessTables
  readonly #scheduled: ScheduledEvents
  readonly #results: ProcessResults
  readonly #metrics: ProcessMetrics | undefined
  readonly #known: readonly KnownProcess[]
  readonly #runs = new Map<string, Running>()
  readonly #stop = new AbortController()
  readonly #working: Promise<unknown>
  #wake = () => {}
  #isWoken = false

  constructor(options: ProcessesOptions) {
    const { store, clock = systemClock, leaseMs = 10_000, concurrency = 32 } = options
    this.#options = options
    this.#clock = clock
    this.#store = store
    this.#tables = new ProcessTables(store, randomUUID(), leaseMs)
    this.#scheduled = new ScheduledEvents(store, clock)
    this.#metrics = options.metrics && processMetrics(options.metrics, () => this.#runs.size)
    this.#known = options.definitions.map(({ name, version }) => ({ process: name, version }))
    this.#results = new ProcessResults(this.#tables, clock, this.#stop.signal)
    this.#working =
      concurrency > 0
        ? Promise.all([this.#work(concurrency), this.#renew(leaseMs), this.#beginFromFeeds()])
        : Promise.resolve()
  }

  async start<Input extends Schema, Output>(
    definition: ProcessDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean> {
    const checked = await definition.input['~standard'].validate(input)
    if (checked.issues) {
      const reason = checked.issues
        .map(({ message, path }) => `${path?.length ? `${path.map(String).join('.')}: ` : ''}${message}`)
        .join('; ')
      throw eventsErrors.PROCESS_INVALID({ process: definition.name, reason: `the input does not fit: ${reason}` })
    }
    const instance = { process: definition.name, id, version: definition.version }
    // As it was given: what the schema makes of it may have no JSON.
    const isNew = await this.#store.database.transaction((transaction) =>
      this.#tables.beginWithin(transaction, instance, asJson(input), this.#clock.now(), null),
    )
    this.#notice()
    return isNew
  }

  async signal(
    process: string,
    id: string,
    name: string,
    value: unknown,
    { key = randomUUID() }: { key?: string } = {},
  ): Promise<void> {
    await this.#tables.change(
      process,
      id,
      `signal ${name} ${key}`,
      { type: 'ProcessSignalReceived', data: { name, value: asJson(value) } },
      this.#clock.now(),
    )
    await this.#changed(process, id)
  }

  async cancel(process: string, id: string, reason: string): Promise<void> {
    await this.#tables.change(
      process,
      id,
      'cancel',
      { type: 'ProcessCancelRequested', data: { reason } },
      this.#clock.now(),
    )
    await this.#changed(process, id)
  }

  async result(process: string, id: string, signal?: AbortSignal): Promise<unknown> {
    const endId = hashedEventId(this.#store.log, 'process', process, id, 'end')
    const end = await this.#results.of(
      { process, id },
      async () => {
        const slice = await this.#store.readStream(streamOf(process, id), { direction: 'backwards', limit: 20 })
        if (slice.version === 0) throw eventsErrors.PROCESS_NOT_FOUND({ process, id })
        return slice.events.find((event) => event.id === endId)
      },
      signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal,
    )
    return resultOf(process, id, outcomeOf(end.type, end.data))
  }

  list(filter: Parameters<Processes['list']>[0] = {}): Promise<readonly ProcessInstance[]> {
    return this.#tables.instances(filter)
  }

  async resume(process: string, id: string): Promise<boolean> {
    const isResumed = await this.#tables.unpark(process, id, this.#clock.now())
    this.#notice()
    return isResumed
  }

  async schedule(stream: string, event: NewEvent, at: Date): Promise<string> {
    const id = await this.#scheduled.schedule(stream, event, at)
    this.#notice()
    return id
  }

  unschedule(id: string): Promise<boolean> {
    return this.#scheduled.cancel(id)
  }

  async health(): Promise<HealthCheck> {
    const names = this.#known.map(({ process }) => process)
    const neglected = await this.#tables.neglected(names, this.#clock.now() - lateMs)
    const late = neglected.flatMap((one) => (one.late > 0 ? `${one.late} of ${one.process}` : []))
    if (late.length > 0) return { status: 'failed', message: `nobody runs ${late.join(', ')}` }
    const parked = neglected.map((one) => `${one.parked} of ${one.process}`)
    return parked.length === 0 ? { status: 'ok' } : { status: 'degraded', message: `parked: ${parked.join(', ')}` }
  }

  async close(): Promise<void> {
    this.#stop.abort(eventsErrors.EVENTS_CLOSED({}))
    this.#notice()
    for (const { run } of this.#runs.values()) run.stop()
    await Promise.all([...this.#runs.values()].map(({ done }) => done))
    await this.#working
  }

  /** A run of this program sees it at once; one of another when it writes, rests or keeps its lease. */
  async #changed(process: string, id: string): Promise<void> {
    this.#notice()
    await this.#runs
      .get(`${process} ${id}`)
      ?.run.look()
      .catch(() => {})
  }

  #notice(): void {
    this.#isWoken = true
    this.#wake()
  }

  async #work(concurrency: number): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        this.#isWoken = false
        const free = concurrency - this.#runs.size
        const claimed =
          free > 0 ? await this.#tables.claim(this.#known, this.#instances(), this.#clock.now(), free) : []
        for (const { dueAt, ...instance } of claimed) {
          this.#metrics?.taken(instance.process, this.#clock.now() - dueAt)
          this.#begin(instance)
        }
        const hasMore = await this.#scheduled.appendDue()
        // While all hands are full, only events can be due.
        if (claimed.length === 0 && !hasMore) await this.#idle(free > 0 ? this.#known : [])
      } catch (error) {
        if (signal.aborted) return
        this.#failed(error)
        await this.#clock.sleep(pollMs, signal).catch(() => {})
      }
    }
  }

  /** Until something of this program has changed, or something is due; what others begin is seen at the next look. */
  async #idle(known: readonly KnownProcess[]): Promise<void> {
    for (;;) {
      const due = await this.#tables.nextDue(known, this.#instances())
      if (this.#isWoken || this.#stop.signal.aborted) return
      const delayMs = Math.min(pollMs, due === undefined ? pollMs : Math.max(1, due - this.#clock.now()))
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await this.#clock.sleep(delayMs, AbortSignal.any([woken.signal, this.#stop.signal])).catch(() => {})
      this.#wake = () => {}
      if (this.#isWoken || (due !== undefined && due <= this.#clock.now())) return
    }
  }

  #instances(): readonly ClaimedInstance[] {
    return [...this.#runs.values()].map(({ instance }) => instance)
  }

  #begin(instance: ClaimedInstance): void {
    const { process, id, version } = instance
    const key = `${process} ${id}`
    const definition = this.#options.definitions.find((one) => one.name === process && one.version === version)
    if (!definition) return
    const run = new ProcessRun(instance, definition, {
      tables: this.#tables,
      clock: this.#clock,
      beginChild: (...child) => this.#beginChild(instance, ...child),
      stepped: (outcome, tookMs) => this.#metrics?.stepped(process, outcome, tookMs),
    })
    const done = this.#follow(instance, run)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#runs.delete(key)
        this.#notice()
      })
    this.#runs.set(key, { instance, run, done })
  }

  async #follow(instance: ClaimedInstance, run: ProcessRun): Promise<void> {
    try {
      const result = await run.run()
      if (this.#stop.signal.aborted && result.kind !== 'ended') await this.#tables.release(instance)
      else if (result.kind === 'ended') {
        this.#store.announce(await this.#tables.end(instance, result.outcome, this.#clock.now()))
        this.#results.tell(instance)
        this.#metrics?.ended(instance.process, result.outcome.status)
      } else if (result.kind === 'parked') {
        await this.#tables.park(instance, result.reason)
        this.#metrics?.ended(instance.process, 'parked')
      }
      // Something came while it went to rest: the next claim takes it up again.
      else if (!(await this.#tables.rest(instance, result.seen, result.wakeAt, result.waitingFor)))
        await this.#tables.release(instance)
    } catch (error) {
      await this.#tables.release(instance).catch(() => {})
      throw error
    }
  }

  async #beginChild(
    parent: ClaimedInstance,
    process: string,
    version: number,
    id: string,
    input: unknown,
    key: string,
  ): Promise<void> {
    await this.#store.database.transaction((transaction) =>
      this.#tables.beginWithin(transaction, { process, id, version }, input, this.#clock.now(), {
        process: parent.process,
        id: parent.id,
        key,
      }),
    )
    this.#notice()
  }

  async #renew(leaseMs: number): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#clock.sleep(leaseMs / 3, signal).catch(() => {})
      if (signal.aborted || this.#runs.size === 0) continue
      try {
        for (const [key, changes] of await this.#tables.renew(this.#instances())) {
          const run = this.#runs.get(key)?.run
          if (run && run.seen < changes) await run.look()
        }
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  async #beginFromFeeds(): Promise<void> {
    const { definitions } = this.#options
    const newest = definitions.filter(
      ({ name, version }) => !definitions.some((one) => one.name === name && one.version > version),
    )
    await Promise.all(
      newest.flatMap((definition) =>
        definition.startedBy
          ? [
              beginFromFeed(
                this.#store,
                this.#tables,
                definition,
                this.#clock,
                this.#stop.signal,
                () => this.#notice(),
                (error) => this.#failed(error),
              ),
            ]
          : [],
      ),
    )
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted || isError(error, 'EVENTS_CLOSED')) return
    try {
      this.#options.onFailure?.(error)
    } catch {
      // What hears of failures must not cause one.
    }
  }
}
