/**
 * Runs workflows: begins, signals and cancels instances, and works on those that are due, as many programs at once as there are. Who is
 * killed in the middle loses nothing: its instances are taken over when its lease has run out, and go on from their journals.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, type Given, type HealthCheck, isError, migrate, type Schema, systemClock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import type { NewEvent } from '../store/event.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { keyOf } from './instance-names.ts'
import { ScheduledEvents } from './scheduled-events.ts'
import type { Workflow, WorkflowDefinition } from './workflow.ts'
import { asJson, journalEventOf, outcomeOf, resultOf } from './workflow-journal.ts'
import { type WorkflowMetrics, workflowMetrics } from './workflow-metrics.ts'
import { WorkflowResults } from './workflow-results.ts'
import { WorkflowRun } from './workflow-run.ts'
import { beginFromFeed } from './workflow-starts.ts'
import {
  type ClaimedInstance,
  isEnd,
  type KnownWorkflow,
  type WorkflowInstance,
  type WorkflowStatus,
  WorkflowTables,
  workflowTables,
  workflowTablesOwner,
} from './workflow-tables.ts'

export interface WorkflowsOptions {
  readonly store: SqlEventStore
  /** Several versions of one name may stand side by side: new instances begin with the highest. */
  readonly definitions: readonly Workflow[]
  /** Instances that are worked on at once. Default 32; 0 for a program that only begins, signals and asks. */
  readonly concurrency?: number
  /** After which silence another program takes over. Default 10,000. */
  readonly leaseMs?: number
  readonly metrics?: Metrics
  /** Told of what fails beside the steps: the database, a definition that throws for an event. */
  readonly onFailure?: (error: unknown) => void
  readonly clock?: Clock
}

export interface Workflows {
  /** Begins an instance; one of this id that is there already is left as it is, and false comes back. Rejects with WORKFLOW_INVALID for an input that does not fit. */
  start<Input extends Schema, Output>(
    definition: WorkflowDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean>
  /** Gives what an instance waits for, or will. The same key again changes nothing. Rejects with WORKFLOW_NOT_FOUND or WORKFLOW_ENDED. */
  signal(workflow: string, id: string, name: string, value: unknown, options?: { key?: string }): Promise<void>
  /** Whatever the instance waits for rejects with WORKFLOW_CANCELLED, and so do its children. It ends when its code has. */
  cancel(workflow: string, id: string, reason: string): Promise<void>
  /** Resolves with what the instance returned, once it has. Rejects with WORKFLOW_FAILED or WORKFLOW_CANCELLED as it ended. */
  result(workflow: string, id: string, signal?: AbortSignal): Promise<unknown>
  /** The newest first. */
  list(filter?: {
    workflow?: string | undefined
    id?: string | undefined
    status?: WorkflowStatus | undefined
    limit?: number
  }): Promise<readonly WorkflowInstance[]>
  /** Lets a parked instance go on, with the code as it is now. False when it is not parked. */
  resume(workflow: string, id: string): Promise<boolean>
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

/** Brings the tables to this version and starts. Rejects with WORKFLOW_INVALID for two definitions of one name and version. */
export async function startWorkflows(options: WorkflowsOptions): Promise<Workflows> {
  const keys = options.definitions.map(({ name, version }) => `${name} ${version}`)
  const twice = options.definitions.find((_, at) => keys.indexOf(keys[at] ?? '') !== at)
  if (twice)
    throw eventsErrors.WORKFLOW_INVALID({ workflow: twice.name, reason: `there are two of version ${twice.version}` })
  await migrate(options.store.database, workflowTablesOwner, workflowTables)
  return new RunningWorkflows(options)
}

interface Running {
  readonly instance: ClaimedInstance
  readonly run: WorkflowRun
  readonly done: Promise<void>
}

class RunningWorkflows implements Workflows {
  readonly #options: WorkflowsOptions
  readonly #clock: Clock
  readonly #store: SqlEventStore
  readonly #tables: WorkflowTables
  readonly #scheduled: ScheduledEvents
  readonly #results: WorkflowResults
  readonly #metrics: WorkflowMetrics | undefined
  readonly #known: readonly KnownWorkflow[]
  readonly #runs = new Map<string, Running>()
  readonly #stop = new AbortController()
  readonly #working: Promise<unknown>
  #wake = () => {}
  #isWoken = false

  constructor(options: WorkflowsOptions) {
    const { store, clock = systemClock, leaseMs = 10_000, concurrency = 32 } = options
    this.#options = options
    this.#clock = clock
    this.#store = store
    this.#tables = new WorkflowTables(store, randomUUID(), leaseMs)
    this.#scheduled = new ScheduledEvents(store, clock)
    this.#metrics = options.metrics && workflowMetrics(options.metrics, () => this.#runs.size)
    this.#known = options.definitions.map(({ name, version }) => ({ workflow: name, version }))
    this.#results = new WorkflowResults(this.#tables, clock, this.#stop.signal)
    this.#working =
      concurrency > 0
        ? Promise.all([this.#work(concurrency), this.#renew(leaseMs), this.#beginFromFeeds()])
        : Promise.resolve()
  }

  async start<Input extends Schema, Output>(
    definition: WorkflowDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean> {
    const checked = await definition.input['~standard'].validate(input)
    if (checked.issues) {
      const reason = checked.issues
        .map(({ message, path }) => `${path?.length ? `${path.map(String).join('.')}: ` : ''}${message}`)
        .join('; ')
      throw eventsErrors.WORKFLOW_INVALID({ workflow: definition.name, reason: `the input does not fit: ${reason}` })
    }
    const instance = { workflow: definition.name, id, version: definition.version }
    // As it was given: what the schema makes of it may have no JSON.
    const isNew = await this.#store.database.transaction((transaction) =>
      this.#tables.beginWithin(transaction, instance, asJson(input), this.#clock.now()),
    )
    this.#notice()
    return isNew
  }

  async signal(
    workflow: string,
    id: string,
    name: string,
    value: unknown,
    { key = randomUUID() }: { key?: string } = {},
  ): Promise<void> {
    await this.#tables.change(
      { workflow, id },
      ['signal', name, key],
      { type: 'WorkflowSignalReceived', data: { name, value: asJson(value) } },
      this.#clock.now(),
    )
    await this.#changed(workflow, id)
  }

  async cancel(workflow: string, id: string, reason: string): Promise<void> {
    await this.#tables.change(
      { workflow, id },
      ['cancel'],
      { type: 'WorkflowCancelRequested', data: { reason } },
      this.#clock.now(),
    )
    await this.#changed(workflow, id)
  }

  async result(workflow: string, id: string, signal?: AbortSignal): Promise<unknown> {
    const instance = { workflow, id }
    const outcome = await this.#results.of(
      instance,
      async () => {
        const { stream, status } = await this.#tables.find(instance)
        if (!isEnd(status)) return undefined
        // Records of steps that nobody waited for may come after the end.
        const { events } = await this.#store.readStream(stream, { direction: 'backwards', limit: 20 })
        for (const event of events) {
          const found = outcomeOf(journalEventOf(event))
          if (found) return found
        }
        return undefined
      },
      signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal,
    )
    return resultOf(instance, outcome)
  }

  list(filter: Parameters<Workflows['list']>[0] = {}): Promise<readonly WorkflowInstance[]> {
    return this.#tables.instances(filter)
  }

  async resume(workflow: string, id: string): Promise<boolean> {
    const isResumed = await this.#tables.unpark(workflow, id, this.#clock.now())
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
    const names = this.#known.map(({ workflow }) => workflow)
    const neglected = await this.#tables.neglected(names, this.#clock.now() - lateMs)
    const late = neglected.flatMap((one) => (one.late > 0 ? `${one.late} of ${one.workflow}` : []))
    if (late.length > 0) return { status: 'failed', message: `nobody runs ${late.join(', ')}` }
    const parked = neglected.map((one) => `${one.parked} of ${one.workflow}`)
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
  async #changed(workflow: string, id: string): Promise<void> {
    this.#notice()
    await this.#runs
      .get(keyOf({ workflow, id }))
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
          this.#metrics?.taken(instance.workflow, this.#clock.now() - dueAt)
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
  async #idle(known: readonly KnownWorkflow[]): Promise<void> {
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
    const { workflow, version } = instance
    const key = keyOf(instance)
    const definition = this.#options.definitions.find((one) => one.name === workflow && one.version === version)
    if (!definition) return
    const run = new WorkflowRun(instance, definition, {
      tables: this.#tables,
      clock: this.#clock,
      beginChild: async (...child) => {
        const id = await this.#tables.beginChild(instance, ...child, this.#clock.now())
        this.#notice()
        return id
      },
      stepped: (outcome, tookMs) => this.#metrics?.stepped(workflow, outcome, tookMs),
    })
    const done = this.#follow(instance, run)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#runs.delete(key)
        this.#notice()
      })
    this.#runs.set(key, { instance, run, done })
  }

  async #follow(instance: ClaimedInstance, run: WorkflowRun): Promise<void> {
    try {
      const result = await run.run()
      if (this.#stop.signal.aborted && result.kind !== 'ended') await this.#tables.release(instance)
      else if (result.kind === 'ended') {
        this.#store.announce(await this.#tables.end(instance, result.outcome, this.#clock.now()))
        this.#results.tell(instance)
        this.#metrics?.ended(instance.workflow, result.outcome.status)
      } else if (result.kind === 'parked') {
        await this.#tables.park(instance, result.reason)
        this.#metrics?.ended(instance.workflow, 'parked')
      }
      // Something came while it went to rest: the next claim takes it up again.
      else if (!(await this.#tables.rest(instance, result.seen, result.wakeAt, result.waitingFor)))
        await this.#tables.release(instance)
    } catch (error) {
      await this.#tables.release(instance).catch(() => {})
      throw error
    }
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
