/**
 * One run of an instance: the function from its start, answered from the journal until it is where it was, and then for real. Everything that
 * settles is written first and handed to the function in the order of the journal, so that a later run sees the same. A record has an id made from
 * what it is of: when two workers run one instance, as after a lease that ran out, the first record counts and the other takes it over.
 */

import { createHash } from 'node:crypto'
import {
  backoffMs,
  type Clock,
  isError,
  type KeelsonError,
  type Queryable,
  rootCall,
  runInCall,
  type Schema,
  withinTime,
} from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { RecordedEvent } from '../store/event.ts'
import { type Instance, type RecordOf, recordIdOf, stepKeyOf } from './instance-names.ts'
import type { StepCall, StepOptions, Workflow, WorkflowContext, WorkflowDefinition } from './workflow.ts'
import { type AskedKind, WorkflowAnswers } from './workflow-answers.ts'
import {
  asJson,
  type JournalEvent,
  journalEventOf,
  kept,
  type Outcome,
  outcomeOf,
  resultOf,
  stepError,
} from './workflow-journal.ts'
import type { ClaimedInstance, WorkflowTables } from './workflow-tables.ts'

export type RunResult =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | {
      readonly kind: 'resting'
      readonly wakeAt: number | null
      readonly waitingFor: readonly string[]
      readonly seen: number
    }
  | { readonly kind: 'parked'; readonly reason: string }

/** What is looked at of a record. */
interface Recorded {
  readonly version: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly event: JournalEvent
}

const longestBackoffMs = 3_600_000
/** A journal that is longer costs more to run again than it is worth. */
const mostEvents = 20_000

export interface WorkflowRunPlatform {
  readonly tables: WorkflowTables
  readonly clock: Clock
  readonly beginChild: (key: string, child: { workflow: string; version: number }, input: unknown) => Promise<string>
  /** Told of each try of a step. */
  readonly stepped: (outcome: 'done' | 'failed', tookMs: number) => void
}

export class WorkflowRun {
  readonly #instance: ClaimedInstance
  readonly #definition: Workflow
  readonly #tables: WorkflowTables
  readonly #clock: Clock
  readonly #begin: WorkflowRunPlatform['beginChild']
  readonly #stepped: WorkflowRunPlatform['stepped']
  readonly #stream: string
  readonly #answers: WorkflowAnswers
  readonly #timers = new Map<string, number>()
  readonly #failures = new Map<string, { attempt: number; retryAt: number }>()
  /** Children that were begun. */
  readonly #children = new Map<string, Instance>()
  /** What waits for a time, by key: when, and what to do then. */
  readonly #sleepers = new Map<string, number>()
  readonly #queued: (() => void)[] = []
  readonly #result = Promise.withResolvers<RunResult>()
  /** Aborts when the instance is cancelled, or the program is about to end. */
  readonly #abort = new AbortController()
  readonly #over = new AbortController()
  #delivering: Promise<void> = Promise.resolve()
  #delivered = 0
  #seen = 0
  #active = 0
  #turns = 0
  #isReplaying = true
  #isOver = false
  #cancelledFor: string | undefined
  #time = 0
  #draws = 0

  constructor(instance: ClaimedInstance, definition: Workflow, platform: WorkflowRunPlatform) {
    this.#instance = instance
    this.#answers = new WorkflowAnswers({ workflow: instance.workflow, id: instance.id })
    this.#definition = definition
    this.#tables = platform.tables
    this.#clock = platform.clock
    this.#begin = platform.beginChild
    this.#stepped = platform.stepped
    this.#stream = instance.stream
  }

  /** Resolves when it has ended, or waits for a time or something from outside. Rejects when the database does. */
  async run(): Promise<RunResult> {
    const { events } = await this.#tables.store.readStream(this.#stream)
    const [started, ...rest] = events
    for (const event of events) {
      const outcome = outcomeOf(journalEventOf(event))
      // It ended, and the row was not told: a dump, or a hand in the table.
      if (outcome) return { kind: 'ended', outcome }
    }
    if (!started || events.length > mostEvents)
      return {
        kind: 'parked',
        reason: started ? `its journal has more than ${mostEvents} events` : 'its journal is empty',
      }
    this.#time = started.recordedAt.getTime()
    this.#delivered = 1
    void this.#start(Reflect.get(Object(started.data), 'input'))
    await turn()
    for (const event of rest) await this.#deliver(recordedOf(event))
    this.#isReplaying = false
    for (const work of this.#queued.splice(0)) work()
    this.#watchRest()
    return this.#result.promise
  }

  /** Takes in what came from outside. */
  async look(): Promise<void> {
    if (this.#isReplaying || this.#isOver) return
    await this.#catchUp()
    this.#watchRest()
  }

  get seen(): number {
    return this.#seen
  }

  /** The program is about to end: nothing more is begun, and what the function still does is not heard. */
  stop(): void {
    this.#isOver = true
    this.#over.abort()
    this.#abort.abort(eventsErrors.EVENTS_CLOSED({}))
    this.#result.resolve({ kind: 'resting', wakeAt: null, waitingFor: [], seen: -1 })
  }

  async #start(given: unknown): Promise<void> {
    try {
      const checked = await this.#definition.input['~standard'].validate(given)
      if (checked.issues)
        throw eventsErrors.WORKFLOW_INVALID({
          workflow: this.#instance.workflow,
          reason: 'the input does not fit any more',
        })
      // The schema is that of this function.
      const output = asJson(await this.#definition.run(this.#context(), checked.value as never))
      this.#end({ status: 'completed', output })
    } catch (error) {
      if (isError(error, 'WORKFLOW_JOURNAL_MISMATCH')) this.#finish({ kind: 'parked', reason: error.message })
      else if (isError(error, 'WORKFLOW_CANCELLED') && this.#cancelledFor !== undefined)
        this.#end({ status: 'cancelled', reason: this.#cancelledFor })
      else this.#end({ status: 'failed', error: kept(error) })
    }
  }

  #end(outcome: Outcome): void {
    this.#finish({ kind: 'ended', outcome })
  }

  #finish(result: RunResult): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#over.abort()
    this.#result.resolve(result)
  }

  #context(): WorkflowContext {
    return {
      id: this.#instance.id,
      now: () => this.#time,
      random: () => this.#random(),
      step: <T>(name: string, work: (call: StepCall) => Promise<T> | T, options: StepOptions = {}) =>
        // What was kept of the step is what its work gave.
        this.#ask('step', name, (key) =>
          this.#attempt(
            key,
            options,
            async (call) =>
              void (await this.#record([key, 'done'], {
                type: 'WorkflowStepCompleted',
                data: { key, result: asJson(await work(call)) },
              })),
          ),
        ) as Promise<T>,
      transaction: <T>(name: string, work: (transaction: Queryable) => Promise<T>, options: StepOptions = {}) =>
        this.#ask('step', name, (key) => this.#attempt(key, options, () => this.#transact(key, work))) as Promise<T>,
      sleep: (name, time) => this.#ask('timer', name, (key) => this.#sleep(key, time)) as Promise<void>,
      waitFor: async <S extends Schema>(name: string, schema: S, options: { readonly timeoutMs?: number } = {}) => {
        const value = await this.#ask(
          'wait',
          name,
          (key) => this.#wait(key, name, options.timeoutMs),
          (key) => this.#answers.takeSignal(key, name),
        )
        if (value === undefined) return undefined
        const checked = await schema['~standard'].validate(value)
        if (checked.issues)
          throw eventsErrors.WORKFLOW_INVALID({
            workflow: this.#instance.workflow,
            reason: `the signal "${name}" does not fit: ${checked.issues.map(({ message }) => message).join('; ')}`,
          })
        // The schema has just said so.
        return checked.value as never
      },
      child: <Input extends Schema, Output>(
        name: string,
        definition: WorkflowDefinition<Input, Output>,
        input: unknown,
      ) =>
        // What a child ended with is what its function returned.
        this.#ask('child', name, (key) =>
          this.#child(key, definition.name, definition.version, input),
        ) as Promise<Output>,
    }
  }

  /** What has settled, or a promise of it; `work` begins what is not under way, once the journal has been gone through. */
  #ask(
    kind: AskedKind,
    name: string,
    work: (key: string) => Promise<void>,
    first?: (key: string) => void,
  ): Promise<unknown> {
    if (this.#isOver) return new Promise(() => {})
    const key = this.#answers.keyOf(kind, name)
    first?.(key)
    return this.#answers.ask(kind, key, () => {
      if (this.#cancelledFor !== undefined && kind !== 'step') this.#rejectCancelled(key)
      else this.#whenLive(key, () => this.#track(work(key)))
    })
  }

  #whenLive(key: string, work: () => void): void {
    const begin = () => {
      if (this.#answers.isWaiting(key) && !this.#isOver) work()
    }
    if (this.#isReplaying) this.#queued.push(begin)
    else begin()
  }

  /** Work that is under way: the run does not rest before it is done. What fails here is the database, or the code itself. */
  #track(work: Promise<void>): void {
    this.#active += 1
    work
      .catch((error: unknown) => {
        if (this.#isOver) return
        this.#isOver = true
        this.#over.abort()
        this.#result.reject(error instanceof JournalFailure ? error.cause : error)
      })
      .finally(() => {
        this.#active -= 1
        this.#watchRest()
      })
  }

  /** When nothing is under way and the function waits, there is nothing to do before a time comes or something from outside. */
  #watchRest(): void {
    this.#turns += 1
    const turns = this.#turns
    void (async () => {
      await turn()
      await turn()
      const { waiting } = this.#answers
      if (this.#isOver || this.#isReplaying || this.#active > 0 || this.#turns !== turns || waiting.length === 0) return
      const wakeAt = this.#sleepers.size === 0 ? null : Math.min(...this.#sleepers.values())
      this.#finish({ kind: 'resting', wakeAt, waitingFor: waiting, seen: this.#seen })
    })()
  }

  async #attempt(key: string, options: StepOptions, work: (call: StepCall) => Promise<void>): Promise<void> {
    const { attempts = 5, backoffMs: firstMs = 1_000, timeoutMs = 60_000 } = options
    const before = this.#failures.get(key)
    if (before && before.retryAt > this.#clock.now()) {
      this.#sleepUntil(key, before.retryAt, () => this.#attempt(key, options, work))
      return
    }
    const attempt = (before?.attempt ?? 0) + 1
    const stepKey = stepKeyOf(this.#instance, key)
    // A step that begins after the cancellation is there to clean up.
    const cancelled = this.#cancelledFor === undefined ? this.#abort.signal : undefined
    const began = this.#clock.monotonic()
    const timedOut = () => eventsErrors.WORKFLOW_STEP_TIMED_OUT({ step: key, timeoutMs })
    try {
      await withinTime(
        (late) => {
          const signal = cancelled ? AbortSignal.any([late, cancelled]) : late
          const call = { ...rootCall, correlationId: this.#instance.id, idempotencyKey: stepKey, signal }
          return runInCall(call, () => work({ key: stepKey, attempt, signal }))
        },
        { timeoutMs, clock: this.#clock, timedOut },
      )
      this.#stepped('done', this.#clock.monotonic() - began)
    } catch (error) {
      if (error instanceof JournalFailure) throw error
      this.#stepped('failed', this.#clock.monotonic() - began)
      if (this.#isOver || !this.#answers.isWaiting(key)) return
      const isFinal =
        attempt >= attempts || (isError(error) && !error.retryable && error.code !== 'DATABASE_OUTCOME_UNKNOWN')
      const retryAt = isFinal ? null : this.#clock.now() + backoffMs({ firstMs, mostMs: longestBackoffMs }, attempt)
      await this.#record([key, 'failed', attempt], {
        type: 'WorkflowStepFailed',
        data: { key, attempt, error: kept(error), retryAt },
      })
      if (retryAt !== null) this.#sleepUntil(key, retryAt, () => this.#attempt(key, options, work))
    }
  }

  /** Goes on at a time: in this run when it lasts so long, because of something else, otherwise in the next. */
  #sleepUntil(key: string, at: number, work: () => Promise<void>): void {
    this.#sleepers.set(key, at)
    const wake = () => {
      if (this.#isOver || !this.#answers.isWaiting(key)) return
      this.#sleepers.delete(key)
      this.#track(work())
    }
    this.#clock.sleep(Math.max(0, at - this.#clock.now()), this.#over.signal).then(wake, () => {})
  }

  /** Effect and record in one transaction: what was recorded before is not done again. */
  async #transact(key: string, work: (transaction: Queryable) => Promise<unknown>): Promise<void> {
    try {
      await this.#tables.store.database.transaction(async (transaction) => {
        const result = asJson(await work(transaction))
        const isNew = await this.#tables.appendWithin(transaction, this.#instance, [key, 'done'], {
          type: 'WorkflowStepCompleted',
          data: { key, result },
        })
        if (!isNew) throw new RecordedBefore()
      })
    } catch (error) {
      if (!(error instanceof RecordedBefore) && !isError(error, 'EVENTS_ID_TAKEN')) throw error
    }
    await this.#catchUp()
  }

  async #sleep(key: string, time: number | Date): Promise<void> {
    if (!this.#timers.has(key)) {
      const at = time instanceof Date ? time.getTime() : this.#clock.now() + time
      await this.#record([key, 'set'], { type: 'WorkflowTimerSet', data: { key, at } })
    }
    const at = this.#timers.get(key) ?? 0
    if (at <= this.#clock.now()) await this.#record([key, 'fired'], { type: 'WorkflowTimerFired', data: { key } })
    else this.#sleepUntil(key, at, () => this.#sleep(key, time))
  }

  async #wait(key: string, name: string, timeoutMs: number | undefined): Promise<void> {
    if (timeoutMs === undefined) return
    if (!this.#timers.has(key)) {
      const until = this.#clock.now() + timeoutMs
      await this.#record([key, 'begun'], { type: 'WorkflowWaitBegun', data: { key, until } })
    }
    if (!this.#answers.waitsForSignal(key)) return
    const until = this.#timers.get(key) ?? 0
    if (until <= this.#clock.now())
      await this.#record([key, 'timed out'], { type: 'WorkflowWaitTimedOut', data: { key } })
    else this.#sleepUntil(key, until, () => this.#wait(key, name, timeoutMs))
  }

  async #child(key: string, workflow: string, version: number, input: unknown): Promise<void> {
    if (this.#children.has(key)) return
    const id = await this.#begin(key, { workflow, version }, asJson(input))
    await this.#record([key, 'begun'], { type: 'WorkflowChildStarted', data: { key, workflow, id } })
  }

  /** Writes a record and hands it over; what another worker wrote under its id is taken instead. */
  async #record(of: RecordOf, event: JournalEvent): Promise<void> {
    const { store } = this.#tables
    const at = this.#clock.now()
    let version = 0
    try {
      const recordId = recordIdOf(store.log, this.#instance, of)
      const written = await store.append(this.#stream, [{ ...event, id: recordId, metadata: { at } }])
      if (!written.isRepeat) version = written.version
    } catch (error) {
      if (isError(error) && (error.retryable || error.code.startsWith('DATABASE_') || error.code === 'EVENTS_CLOSED'))
        throw new JournalFailure(error)
      if (!isError(error, 'EVENTS_ID_TAKEN')) throw error
    }
    await this.#catchUp({ version, at, event })
  }

  /**
   * Hands over what the journal has and this run has not seen, in its order. Rejects with a JournalFailure.
   *
   * @param written what this run has just written: when nothing came before it, there is nothing to read
   */
  #catchUp(written?: Recorded): Promise<void> {
    const caughtUp = this.#delivering.then(async () => {
      if (written?.version === this.#delivered + 1) {
        await this.#deliver(written)
        return
      }
      const { events } = await this.#tables.store
        .readStream(this.#stream, { from: this.#delivered + 1 })
        .catch((error: unknown) => {
          throw new JournalFailure(error)
        })
      for (const event of events) await this.#deliver(recordedOf(event))
    })
    this.#delivering = caughtUp.catch(() => {})
    return caughtUp
  }

  async #deliver({ version, at, event }: Recorded): Promise<void> {
    this.#delivered = version
    this.#time = Math.max(this.#time, at)
    switch (event.type) {
      case 'WorkflowStepCompleted':
        this.#settle(event.data.key, 'step', () => event.data.result ?? undefined)
        break
      case 'WorkflowStepFailed': {
        const { key, attempt, error, retryAt } = event.data
        if (retryAt !== null) this.#failures.set(key, { attempt, retryAt })
        else
          this.#settle(key, 'step', () => {
            throw stepError(key, error)
          })
        break
      }
      case 'WorkflowTimerSet':
        this.#timers.set(event.data.key, event.data.at)
        break
      case 'WorkflowTimerFired':
        this.#settle(event.data.key, 'timer', () => undefined)
        break
      case 'WorkflowWaitBegun':
        this.#timers.set(event.data.key, event.data.until)
        break
      case 'WorkflowWaitTimedOut':
        this.#answers.forgetSignal(event.data.key)
        this.#settle(event.data.key, 'wait', () => undefined)
        break
      case 'WorkflowSignalReceived':
        this.#seen += 1
        this.#receive(event.data.name, event.data.value)
        break
      case 'WorkflowChildStarted':
        this.#children.set(event.data.key, event.data)
        break
      case 'WorkflowChildEnded': {
        this.#seen += 1
        const { key, outcome } = event.data
        const child = this.#children.get(key) ?? this.#instance
        this.#settle(key, 'child', () => resultOf(child, outcome))
        break
      }
      case 'WorkflowCancelRequested':
        this.#seen += 1
        this.#cancel(event.data.reason)
        break
      default:
        return
    }
    // What the function does with it comes before the next.
    await turn()
  }

  #settle(key: string, kind: AskedKind, value: () => unknown): void {
    this.#sleepers.delete(key)
    this.#answers.settle(key, kind, value)
  }

  #receive(name: string, value: unknown): void {
    const key = this.#answers.receive(name, value)
    if (key !== undefined) this.#sleepers.delete(key)
  }

  #cancel(reason: string): void {
    if (this.#cancelledFor !== undefined) return
    this.#cancelledFor = reason
    this.#abort.abort(this.#cancelled())
    for (const key of this.#answers.waiting) this.#rejectCancelled(key)
    const cancelChildren = () => this.#track(this.#cancelChildren(reason))
    if (this.#isReplaying) this.#queued.push(cancelChildren)
    else cancelChildren()
  }

  async #cancelChildren(reason: string): Promise<void> {
    const { workflow, id } = this.#instance
    for (const child of await this.#tables.children(workflow, id)) {
      const request: JournalEvent = { type: 'WorkflowCancelRequested', data: { reason } }
      await this.#tables.change(child, ['cancel'], request, this.#clock.now()).catch((error: unknown) => {
        if (!isError(error, 'WORKFLOW_ENDED')) throw error
      })
    }
  }

  #rejectCancelled(key: string): void {
    this.#sleepers.delete(key)
    this.#answers.reject(key, this.#cancelled())
  }

  #cancelled(): KeelsonError {
    const { workflow, id } = this.#instance
    return eventsErrors.WORKFLOW_CANCELLED({ workflow, id, reason: this.#cancelledFor ?? '' })
  }

  #random(): number {
    this.#draws += 1
    const { workflow, id } = this.#instance
    return (
      createHash('sha256')
        .update(JSON.stringify([workflow, id, this.#draws]))
        .digest()
        .readUInt32BE() /
      2 ** 32
    )
  }
}

/** A run says when it wrote; what comes from outside has the time of the database. */
function recordedOf({ version, type, data, metadata, recordedAt }: RecordedEvent): Recorded {
  return { version, at: Number(metadata['at'] ?? recordedAt.getTime()), event: journalEventOf({ type, data }) }
}

/** The journal could not be written or read: no step is to blame. */
class JournalFailure extends Error {
  constructor(cause: unknown) {
    super('the journal is out of reach', { cause })
  }
}

/** Rolls back what had been done before. */
class RecordedBefore extends Error {}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
