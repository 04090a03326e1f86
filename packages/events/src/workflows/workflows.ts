/**
 * Runs workflows: begins, signals and cancels instances, and works on those that are due, as many programs at once as there are. Who is
 * killed in the middle loses nothing: its instances are taken over when its lease has run out, and go on from their journals.
 */
import { randomUUID } from 'node:crypto'
import {
  type Clock,
  type Given,
  type HealthCheck,
  isError,
  migrate,
  type Queryable,
  type Schema,
  systemClock,
} from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import type { NewEvent } from '../store/event.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { checkedStart } from './checked-start.ts'
import { containFailures } from './contained-failures.ts'
import { DatabaseTime } from './database-time.ts'
import { type ForkOptions, forkInstance } from './fork-instance.ts'
import { type InstanceFilter, InstanceList, type WorkflowInstance } from './instance-list.ts'
import type { Instance } from './instance-names.ts'
import { ScheduledEvents } from './scheduled-events.ts'
import type { Workflow, WorkflowDefinition } from './workflow.ts'
import {
  type CheckedHistory,
  checkHistories,
  type HistoriesOptions,
  type WorkflowHistory,
  workflowHistories,
} from './workflow-check.ts'
import { healthOf } from './workflow-health.ts'
import { type JournalEvent, journalEventOf, outcomeOf, requireJson, resultOf, storable } from './workflow-journal.ts'
import { workflowMetrics } from './workflow-metrics.ts'
import { workflowTables, workflowTablesOwner } from './workflow-migrations.ts'
import { WorkflowResults } from './workflow-results.ts'
import { type ParkedStart, parkedStarts, retryParkedStarts, WorkflowStarts } from './workflow-starts.ts'
import { WorkflowTables } from './workflow-tables.ts'
import { WorkflowWorker } from './workflow-worker.ts'

export interface WorkflowsOptions {
  readonly store: SqlEventStore
  /** Several versions of one name may stand side by side: new instances begin with the highest. */
  readonly definitions: readonly Workflow[]
  /** Instances of each workflow that are worked on at once. Default 32; 0 for a program that only begins, signals and asks. */
  readonly concurrency?: number
  /** After which silence another program takes over. Default 10,000. */
  readonly leaseMs?: number
  readonly metrics?: Metrics
  /** Told of what fails beside the steps: the database, a feed that cannot be read. */
  readonly onFailure?: (error: unknown) => void
  readonly clock?: Clock
}

export interface Workflows {
  /**
   * Begins an instance; one of this id that is there already is left as it is, and false comes back. Rejects with WORKFLOW_INVALID or
   * WORKFLOW_VALUE_INVALID for an id or input that does not fit.
   */
  start<Input extends Schema, Output>(
    definition: WorkflowDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean>
  /**
   * Gives what an instance waits for, or will; also one whose event was appended before and has not begun it yet. The same key again
   * changes nothing. Rejects with WORKFLOW_NOT_FOUND, WORKFLOW_ENDED or WORKFLOW_VALUE_INVALID.
   */
  signal(workflow: string, id: string, name: string, value: unknown, options?: { key?: string }): Promise<void>
  /**
   * Whatever the instance waits for rejects with WORKFLOW_CANCELLED, in its children too, also those that are being begun. It ends when
   * its code has.
   */
  cancel(workflow: string, id: string, reason: string): Promise<void>
  /** Resolves with what the instance returned, once it has. Rejects with WORKFLOW_FAILED or WORKFLOW_CANCELLED as it ended. */
  result(workflow: string, id: string, signal?: AbortSignal): Promise<unknown>
  /** The newest first. */
  list(filter?: InstanceFilter): Promise<readonly WorkflowInstance[]>
  /** Stops an instance where it is, whoever works on it; what comes from outside waits. False when it has ended or is paused. */
  pause(workflow: string, id: string): Promise<boolean>
  /** Lets an instance go on that is parked or paused, with the code as it is now. False when it is neither. */
  resume(workflow: string, id: string): Promise<boolean>
  /** Ends an instance at once, without its code having a say: it is cancelled, and so are its children. False when it has ended. */
  terminate(workflow: string, id: string, reason: string): Promise<boolean>
  /**
   * Begins a new instance that has been answered what another was up to a step, and goes on from there: nothing before it is done again.
   * Rejects with WORKFLOW_INVALID for a step that the other never came to, or WORKFLOW_ID_TAKEN.
   */
  fork(workflow: string, id: string, options: ForkOptions): Promise<void>
  /** As `start`, within a transaction of the store's database: with whatever else it does, or not at all. */
  startWithin<Input extends Schema, Output>(
    transaction: Queryable,
    definition: WorkflowDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean>
  /** As `signal`, within a transaction; the instance is there already. Rejects, and the transaction with it, when the key was used before. */
  signalWithin(
    transaction: Queryable,
    workflow: string,
    id: string,
    signal: { readonly name: string; readonly value: unknown; readonly key?: string },
  ): Promise<void>
  /** The journals of instances, as they can be kept in a file: one JSON each. */
  histories(options?: HistoriesOptions): AsyncGenerator<WorkflowHistory>
  /** Goes through journals with the code at hand and does nothing: which would break, and where. Default: those of this log. */
  check(histories?: AsyncIterable<WorkflowHistory>): AsyncGenerator<CheckedHistory>
  /** Events that could not begin or signal what they should. They are tried again after growing pauses. */
  parkedStarts(): Promise<readonly ParkedStart[]>
  /** Tries them again at once. Gives how many there are. */
  retryStarts(workflow: string): Promise<number>
  /** Appends an event at a time, once. Gives its id; scheduling the same id again changes nothing. */
  schedule(stream: string, event: NewEvent, at: Date): Promise<string>
  /** False when it was appended already, or never scheduled. */
  unschedule(id: string): Promise<boolean>
  /**
   * Degraded while anything stands still that others do not wait for: what is parked, paused or was sent something that does not fit.
   * Failed while nobody works on what has been due for half a minute, or events cannot be gone through.
   */
  health(): Promise<HealthCheck>
  /** Stops after what is being written; steps under way are cut off, and tried again by who takes over. */
  close(): Promise<void>
}

/** What is due for longer, nobody works on. */
const lateMs = 30_000
/** How long a signal waits for the event before it to begin what it is for. */
const beginning = { pauseMs: 20, tries: 250 }

/** Brings the tables to this version and starts. Rejects with WORKFLOW_INVALID for two definitions of one name and version. */
export async function startWorkflows(options: WorkflowsOptions): Promise<Workflows> {
  const { store, definitions, clock = systemClock, leaseMs = 10_000 } = options
  const keys = definitions.map(({ name, version }) => `${name} ${version}`)
  const twice = definitions.find((_, at) => keys.indexOf(keys[at] ?? '') !== at)
  if (twice)
    throw eventsErrors.WORKFLOW_INVALID({ workflow: twice.name, reason: `there are two of version ${twice.version}` })
  await migrate(store.database, workflowTablesOwner, workflowTables)
  const tables = await WorkflowTables.open(store, randomUUID(), leaseMs)
  const time = await DatabaseTime.open(store.database, clock)
  const workflows = new RunningWorkflows(options, tables, time)
  await workflows.begin()
  return workflows
}

class RunningWorkflows implements Workflows {
  readonly #options: WorkflowsOptions
  readonly #clock: Clock
  readonly #store: SqlEventStore
  readonly #tables: WorkflowTables
  readonly #list: InstanceList
  readonly #scheduled: ScheduledEvents
  readonly #results: WorkflowResults
  readonly #worker: WorkflowWorker
  readonly #starts: readonly WorkflowStarts[]
  readonly #isWorking: boolean
  readonly #stop = new AbortController()
  readonly #uncontain = containFailures()
  #working: Promise<unknown> = Promise.resolve()

  constructor(options: WorkflowsOptions, tables: WorkflowTables, time: DatabaseTime) {
    const { store, definitions, clock = systemClock, leaseMs = 10_000, concurrency = 32 } = options
    this.#options = options
    this.#clock = clock
    this.#store = store
    this.#tables = tables
    this.#isWorking = concurrency > 0
    this.#list = new InstanceList(store)
    this.#scheduled = new ScheduledEvents(store, clock)
    this.#results = new WorkflowResults(store, this.#list, clock, this.#stop.signal)
    const failed = (error: unknown) => this.#failed(error)
    this.#worker = new WorkflowWorker({
      ...{
        definitions,
        tables,
        time,
        clock,
        concurrency,
        leaseMs,
        failed,
        list: this.#list,
        scheduled: this.#scheduled,
      },
      metrics: options.metrics && workflowMetrics(options.metrics, () => this.#worker.size),
      ended: (instance, position) => {
        store.announce(position)
        this.#results.tell(instance)
      },
    })
    this.#starts = this.#isWorking ? this.#startsOf(definitions, failed) : []
  }

  #startsOf(definitions: readonly Workflow[], failed: (error: unknown) => void): readonly WorkflowStarts[] {
    const begun = () => this.#worker.notice()
    return definitions.flatMap(({ startedBy, ...rest }) => {
      const isNewest = !definitions.some(({ name, version }) => name === rest.name && version > rest.version)
      if (!startedBy || !isNewest) return []
      const definition = { ...rest, startedBy }
      return [
        new WorkflowStarts({
          ...{ definition, failed, begun },
          store: this.#store,
          tables: this.#tables,
          clock: this.#clock,
        }),
      ]
    })
  }

  /** Events that are appended from when this has resolved begin what they should. */
  async begin(): Promise<void> {
    for (const starts of this.#starts) await starts.open()
    if (this.#isWorking)
      this.#working = Promise.all([this.#worker.work(), ...this.#starts.map((starts) => starts.run(this.#stop.signal))])
  }

  async start<Input extends Schema, Output>(
    definition: WorkflowDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean> {
    // As it was given: what the schema makes of it may have no JSON.
    const given = await checkedStart(definition, id, input)
    const instance = { workflow: definition.name, id, version: definition.version }
    const isNew = await this.#store.database.transaction((transaction) =>
      this.#tables.beginWithin(transaction, instance, given),
    )
    this.#worker.notice()
    return isNew
  }

  async startWithin<Input extends Schema, Output>(
    transaction: Queryable,
    definition: WorkflowDefinition<Input, Output>,
    id: string,
    input: Given<Input>,
  ): Promise<boolean> {
    const given = await checkedStart(definition, id, input)
    const { name: workflow, version } = definition
    return this.#tables.beginWithin(transaction, { workflow, id, version }, given)
  }

  signalWithin(
    transaction: Queryable,
    workflow: string,
    id: string,
    { name, value, key = randomUUID() }: { readonly name: string; readonly value: unknown; readonly key?: string },
  ): Promise<void> {
    return this.#tables.changeWithin(transaction, { workflow, id }, ['signal', name, key], signalOf(name, value))
  }

  async signal(
    workflow: string,
    id: string,
    name: string,
    value: unknown,
    { key = randomUUID() }: { key?: string } = {},
  ): Promise<void> {
    const signal = signalOf(name, value)
    const tell = () => this.#tables.change({ workflow, id }, ['signal', name, key], signal)
    await tell().catch(async (error: unknown) => {
      if (!isError(error, 'WORKFLOW_NOT_FOUND') || !(await this.#catchUpStarts(workflow))) throw error
      await tell()
    })
    await this.#worker.changed({ workflow, id })
  }

  /** Waits until what was appended before has begun what it should; false when nothing begins by events, or nobody goes through them. */
  async #catchUpStarts(workflow: string): Promise<boolean> {
    const { position } = await this.#store.head()
    for (let tries = 0; tries < beginning.tries; tries++) {
      const { rows } = await this.#store.database.query<{ position: number }>(
        'select position from keelson_workflow_starts where log = $1 and workflow = $2',
        [this.#store.log, workflow],
      )
      if (!rows[0]) return false
      if (rows[0].position >= position) return true
      await this.#clock.sleep(beginning.pauseMs, this.#stop.signal)
    }
    return false
  }

  async cancel(workflow: string, id: string, reason: string): Promise<void> {
    const cancelled = await this.#tables.cancel({ workflow, id }, storable(reason))
    for (const instance of cancelled) await this.#worker.changed(instance)
  }

  async result(workflow: string, id: string, signal?: AbortSignal): Promise<unknown> {
    const instance = { workflow, id }
    const read = () => this.#outcome(instance)
    const outcome = await this.#results.of(
      instance,
      read,
      signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal,
    )
    return resultOf(instance, outcome)
  }

  async #outcome(instance: Instance) {
    const { stream, status } = await this.#tables.find(instance)
    if (status !== 'completed' && status !== 'failed' && status !== 'cancelled') return undefined
    // Records of steps that nobody waited for may come after the end.
    const { events } = await this.#store.readStream(stream, { direction: 'backwards', limit: 20 })
    return events.map((event) => outcomeOf(journalEventOf(event))).find((outcome) => outcome !== undefined)
  }

  list(filter: InstanceFilter = {}): Promise<readonly WorkflowInstance[]> {
    return this.#list.instances(filter)
  }

  pause(workflow: string, id: string): Promise<boolean> {
    return this.#tables.pause({ workflow, id })
  }

  async resume(workflow: string, id: string): Promise<boolean> {
    const isResumed = await this.#tables.resume({ workflow, id })
    this.#worker.notice()
    return isResumed
  }

  async terminate(workflow: string, id: string, reason: string): Promise<boolean> {
    const instance = await this.#tables.find({ workflow, id })
    await this.cancel(workflow, id, reason).catch((error: unknown) => {
      if (!isError(error, 'WORKFLOW_ENDED')) throw error
    })
    const position = await this.#tables.end(instance, { status: 'cancelled', reason: storable(reason) })
    if (position === 0) return false
    this.#store.announce(position)
    this.#results.tell({ workflow, id })
    return true
  }

  async fork(workflow: string, id: string, options: ForkOptions): Promise<void> {
    await forkInstance(this.#tables, { workflow, id }, options)
    this.#worker.notice()
  }

  histories(options: HistoriesOptions = {}): AsyncGenerator<WorkflowHistory> {
    return workflowHistories(this.#store, options)
  }

  check(histories: AsyncIterable<WorkflowHistory> = this.histories()): AsyncGenerator<CheckedHistory> {
    return checkHistories(this.#options.definitions, histories, this.#clock)
  }

  parkedStarts(): Promise<readonly ParkedStart[]> {
    return parkedStarts(this.#store)
  }

  retryStarts(workflow: string): Promise<number> {
    return retryParkedStarts(this.#store, workflow)
  }

  async schedule(stream: string, event: NewEvent, at: Date): Promise<string> {
    const id = await this.#scheduled.schedule(stream, event, at)
    this.#worker.notice()
    return id
  }

  unschedule(id: string): Promise<boolean> {
    return this.#scheduled.cancel(id)
  }

  async health(): Promise<HealthCheck> {
    const [standing, unstarted, events] = await Promise.all([
      this.#list.standing(lateMs),
      this.parkedStarts(),
      this.#scheduled.standing(lateMs),
    ])
    const known = new Set(this.#options.definitions.map(({ name }) => name))
    const troubles = this.#starts.flatMap(({ trouble }) => trouble ?? [])
    return healthOf({ standing, known, unstarted: unstarted.length, events, troubles })
  }

  async close(): Promise<void> {
    this.#stop.abort(eventsErrors.EVENTS_CLOSED({}))
    await this.#worker.close()
    await this.#working
    this.#uncontain()
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

function signalOf(name: string, value: unknown): JournalEvent {
  const given = requireJson(`the signal "${name}"`, value ?? null)
  return { type: 'WorkflowSignalReceived', data: { name, value: given } }
}
