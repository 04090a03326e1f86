/**
 * One run of an instance: the function from its start, answered from the journal until it is where it was, and then for real. Everything that
 * settles is written first and handed to the function in the order of the journal, so that a later run sees the same. A record has an id made from
 * what it is of: when two workers run one instance, as after a lease that ran out, the first record counts and the other takes it over.
 */
import { createHash } from 'node:crypto'
import { type Clock, isError, isLeaseLost, type KeelsonError, type Queryable, type Schema } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { shownIssues } from './checked-start.ts'
import { contained } from './contained-failures.ts'
import { type StoredInstance, stepKeyOf } from './instance-names.ts'
import { type CursorPlatform, JournalCursor, JournalFailure, turn } from './journal-cursor.ts'
import { abortable, attemptStep, retryAt, stepOptions } from './step-attempt.ts'
import type { StepCall, StepOptions, Workflow, WorkflowContext, WorkflowDefinition } from './workflow.ts'
import { type Signal, WorkflowAnswers } from './workflow-answers.ts'
import {
  type Asked,
  type AskedKind,
  type JournalEvent,
  type JournalRecord,
  kept,
  type Outcome,
  outcomeOf,
  type RecordNotes,
  requireJson,
  resultOf,
  stepError,
} from './workflow-journal.ts'

export type RunResult =
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly notes: RecordNotes }
  | {
      readonly kind: 'resting'
      readonly wakeAt: number | null
      readonly waitingFor: readonly string[]
      /** Changes from outside that it knows. */
      readonly seen: number
      /** What was sent, did not fit, and is still waited for. */
      readonly refused: number
    }
  | { readonly kind: 'parked'; readonly reason: string }

export interface RunPlatform extends CursorPlatform {
  /** The database's time, in milliseconds since 1970. */
  readonly now: () => number
  /** Resolves when the instance is known to be this program's own, or the run was stopped. */
  readonly hold: () => Promise<void>
  /** Whether it may stay in memory for so long, with nothing to do, and gives its place to others. */
  readonly mayIdle: (forMs: number) => boolean
  /** Resolves when there is a place again. */
  readonly busy: () => Promise<void>
  /** Told of a failure that nobody waits for, of a run that is over. */
  readonly strayed: (error: unknown) => void
  /** Told of each try of a step. */
  readonly stepped: (outcome: 'done' | 'failed', tookMs: number) => void
}

/** A journal that is longer costs more to run again than it is worth. */
const mostRecords = 20_000
/** How long a function may wait for something that is no part of the workflow, while nothing else goes on. */
const strayMs = 30_000

export class WorkflowRun {
  readonly #instance: StoredInstance
  readonly #definition: Workflow
  readonly #platform: RunPlatform
  readonly #clock: Clock
  readonly #cursor: JournalCursor
  readonly #answers = new WorkflowAnswers((...refused) => this.#refuseSignal(...refused))
  readonly #timers = new Map<string, number | null>()
  readonly #failures = new Map<string, { attempt: number; retryAt: number }>()
  readonly #children = new Map<string, { readonly workflow: string; readonly id: string }>()
  readonly #patches = new Map<string, boolean>()
  /** Versions of signals that did not fit. */
  readonly #refused = new Set<number>()
  /** What waits for another signal than one that did not fit. */
  readonly #misfits = new Set<string>()
  /** What waits for a time, by key: when that is, and what to do then. */
  readonly #sleepers = new Map<string, { readonly at: number; readonly work: () => Promise<void> }>()
  readonly #queued: (() => void)[] = []
  /** Aborts when the instance is cancelled, or the program is about to end. */
  readonly #abort = new AbortController()
  /** Aborts when the run is over, and will not be gone on with. */
  readonly #over = new AbortController()
  #result = Promise.withResolvers<RunResult>()
  /** Aborts when the run rests. */
  #awake = new AbortController()
  #seen = 0
  #active = 0
  #turns = 0
  /** Whether it does what it is asked for, instead of going through the journal or resting. */
  #isLive = false
  #isReplaying = true
  #isIdle = false
  #outcome: Outcome | undefined
  #cancelledFor: string | undefined
  #time = 0
  #draws = 0

  constructor(instance: StoredInstance, definition: Workflow, platform: RunPlatform) {
    this.#instance = instance
    this.#definition = definition
    this.#platform = platform
    this.#clock = platform.clock
    this.#cursor = new JournalCursor(platform, this.#answers, this.#over.signal, (record) => this.#hand(record))
  }

  /** Resolves when it has ended, is parked, or waits for a time or something from outside. Rejects when the database does. */
  async run(): Promise<RunResult> {
    const records = await this.#platform.journal.read(1)
    // It ended, and the row was not told: a dump, or a hand in the table.
    const ended = records.map(({ event }) => outcomeOf(event)).find((outcome) => outcome !== undefined)
    if (ended) return { kind: 'ended', outcome: ended, notes: this.#cursor.notes() }
    const [first] = records
    if (first?.event.type !== 'WorkflowStarted') return { kind: 'parked', reason: 'its journal is empty' }
    if (records.length > mostRecords)
      return { kind: 'parked', reason: `its journal has more than ${mostRecords} records` }
    const { input } = first.event.data
    this.#replay(records, input).catch((error: unknown) => this.#broken(error))
    return this.#result.promise
  }

  /** Goes on where it rested, when the instance has been taken up again. Resolves and rejects as `run`. */
  async goOn(): Promise<RunResult> {
    this.#result = Promise.withResolvers<RunResult>()
    this.#awake = new AbortController()
    this.#cursor.catchUp().then(
      () => this.#goLive(),
      (error: unknown) => this.#broken(error),
    )
    return this.#result.promise
  }

  /** Takes in what came from outside. */
  async look(): Promise<void> {
    if (!this.#isLive || this.#isOver) return
    await this.#cursor.catchUp().catch((error: unknown) => this.#broken(error))
    this.#watchRest()
  }

  get seen(): number {
    return this.#seen
  }

  /** Something went wrong that the function cannot catch, such as a rejection that nobody waits for: it is not run on. */
  park(reason: string): void {
    this.#finish({ kind: 'parked', reason })
  }

  /** Something that nobody waits for has failed. What rejects because the instance was cancelled, or the program ends, may. */
  readonly #stray = (error: unknown): void => {
    if (isError(error, 'WORKFLOW_CANCELLED') || isError(error, 'EVENTS_CLOSED')) return
    if (this.#isOver) this.#platform.strayed(error)
    else this.park(`it left a failure that nobody waits for: ${kept(error).message}`)
  }

  /** The program is about to end: nothing more is begun, and what the function still does is not heard. */
  stop(): void {
    this.#finish({ kind: 'resting', wakeAt: null, waitingFor: [], seen: -1, refused: 0 })
    this.#abort.abort(eventsErrors.EVENTS_CLOSED({}))
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted
  }

  async #replay(records: readonly JournalRecord[], input: unknown): Promise<void> {
    for (const { event } of records) if (event.type === 'WorkflowSignalRefused') this.#refused.add(event.data.signal)
    await this.#cursor.replay(records, () => void this.#start(input))
    this.#isReplaying = false
    if (this.#outcome) this.#end(this.#outcome)
    this.#goLive()
  }

  #goLive(): void {
    this.#isLive = true
    for (const key of this.#sleepers.keys()) this.#arm(key)
    for (const work of this.#queued.splice(0)) work()
    this.#watchRest()
  }

  async #start(given: unknown): Promise<void> {
    const outcome = await this.#outcomeOf(given).catch(
      (error: unknown): Outcome =>
        isError(error, 'WORKFLOW_CANCELLED') && this.#cancelledFor !== undefined
          ? { status: 'cancelled', reason: this.#cancelledFor }
          : { status: 'failed', error: kept(error) },
    )
    // The journal may go on: then the code was changed.
    if (this.#isReplaying) this.#outcome = outcome
    else if (outcome) this.#end(outcome)
  }

  /** Undefined when the code has to be mended first. */
  async #outcomeOf(given: unknown): Promise<Outcome | undefined> {
    const checked = await this.#definition.input['~standard'].validate(given)
    if (checked.issues) {
      this.park(`its input does not fit any more: ${shownIssues(checked.issues)}`)
      return undefined
    }
    // The schema is that of this function.
    const output = await contained(this.#stray, () => this.#definition.run(this.#context(), checked.value as never))
    if (output === undefined) return { status: 'completed' }
    try {
      return { status: 'completed', output: requireJson('what it returned', output) }
    } catch (error) {
      this.park(kept(error).message)
      return undefined
    }
  }

  #end(outcome: Outcome): void {
    this.#finish({ kind: 'ended', outcome, notes: this.#cursor.notes() })
  }

  #finish(result: RunResult): void {
    if (this.#isOver) return
    this.#over.abort()
    this.#awake.abort()
    this.#result.resolve(result)
  }

  #rest(waitingFor: readonly string[], wakeAt: number | null): void {
    this.#isLive = false
    this.#awake.abort()
    const refused = waitingFor.filter((key) => this.#misfits.has(key)).length
    this.#result.resolve({ kind: 'resting', wakeAt, waitingFor, seen: this.#seen, refused })
  }

  /** What fails beside the steps: the database, a journal that tells of other code, or this code. */
  #broken(error: unknown): void {
    if (this.#isOver) return
    if (isError(error, 'WORKFLOW_JOURNAL_MISMATCH')) {
      this.park(error.message)
      return
    }
    this.#over.abort()
    this.#awake.abort()
    this.#result.reject(error instanceof JournalFailure ? error.cause : error)
  }

  #context(): WorkflowContext {
    return {
      id: this.#instance.id,
      now: () => this.#time,
      random: () => this.#random(),
      patched: (name) => this.#patched(name),
      step: <T>(name: string, work: (call: StepCall) => Promise<T> | T, options: StepOptions = {}) =>
        // What was kept of the step is what its work gave.
        this.#ask('step', name, (key) =>
          this.#attempt(key, options, (call) => this.#do(key, call, work)),
        ) as Promise<T>,
      transaction: <T>(name: string, work: (transaction: Queryable) => Promise<T>, options: StepOptions = {}) =>
        // As above.
        this.#ask('step', name, (key) =>
          this.#attempt(key, options, (call) => this.#transact(key, call, work)),
        ) as Promise<T>,
      sleep: async (name, time) => void (await this.#ask('timer', name, (key) => this.#sleep(key, time))),
      waitFor: <S extends Schema>(name: string, schema: S, options: { readonly timeoutMs?: number } = {}) =>
        this.#ask(
          'wait',
          name,
          (key) => this.#wait(key, name, options.timeoutMs),
          (key) => this.#answers.waitForSignal({ key, name, check: (value) => checkSignal(schema, value) }),
          // The schema has just said so.
        ) as Promise<never>,
      child: <Input extends Schema, Output>(
        name: string,
        { name: workflow, version }: WorkflowDefinition<Input, Output>,
        input: unknown,
      ) =>
        // What a child ended with is what its function returned.
        this.#ask('child', name, (key) => this.#child(key, { workflow, version }, input)) as Promise<Output>,
    }
  }

  /**
   * What has settled, or a promise of it. What nobody waits for yet, or ever, may reject: that ends no program.
   *
   * @param work begins what is not under way, once the journal has been gone through.
   * @param first may settle it before that.
   */
  #ask(
    kind: AskedKind,
    name: string,
    work: (key: string) => Promise<void>,
    first: (key: string) => Promise<void> | undefined = () => undefined,
  ): Promise<unknown> {
    if (this.#isOver) return new Promise(() => {})
    const key = this.#answers.keyOf(kind, name)
    const asked = this.#answers.ask(kind, key, () => {
      if (this.#cancelledFor !== undefined && kind !== 'step') this.#rejectCancelled(key)
      else void Promise.resolve(first(key)).then(() => this.#whenLive(key, () => this.#track(work(key))))
    })
    asked.catch(() => {})
    return asked
  }

  #patched(name: string): boolean {
    const known = this.#patches.get(name)
    if (known !== undefined) return known
    const asked: Asked = `patch ${name}`
    const isPatched = this.#cursor.isAtEnd || this.#cursor.isAhead(asked)
    this.#patches.set(name, isPatched)
    if (isPatched) this.#answers.note(asked)
    return isPatched
  }

  #whenLive(key: string, work: () => void): void {
    const begin = () => {
      if (this.#answers.isWaiting(key) && !this.#isOver) work()
    }
    if (this.#isLive) begin()
    else this.#queued.push(begin)
  }

  /** Work that is under way: the run does not rest before it is done. */
  #track(work: Promise<void>): void {
    this.#active += 1
    work
      .catch((error: unknown) => this.#broken(error))
      .finally(() => {
        this.#active -= 1
        this.#watchRest()
      })
  }

  /** When nothing is under way and the function waits, there is nothing to do before a time comes or something from outside. */
  #watchRest(): void {
    this.#turns += 1
    const turns = this.#turns
    const isStill = () => !this.#isOver && this.#isLive && this.#active === 0 && this.#turns === turns
    void (async () => {
      await turn()
      await turn()
      if (!isStill()) return
      const { waiting } = this.#answers
      if (waiting.length === 0) {
        await this.#clock.sleep(strayMs, this.#over.signal)
        if (isStill()) this.park('it waits for something that is no step, and would not go on')
        return
      }
      const sleeping = [...this.#sleepers].filter(([key]) => this.#answers.isWaiting(key))
      const wakeAt = sleeping.length === 0 ? null : Math.min(...sleeping.map(([, { at }]) => at))
      const isSoon =
        wakeAt !== null && waiting.every((key) => !this.#answers.waitsForSignal(key) && this.#sleepers.has(key))
      if (isSoon && this.#platform.mayIdle(wakeAt - this.#platform.now())) this.#isIdle = true
      else this.#rest(waiting, wakeAt)
    })().catch(() => {})
  }

  async #attempt(key: string, given: StepOptions, work: (call: StepCall) => Promise<void>): Promise<void> {
    const before = this.#failures.get(key)
    if (before && before.retryAt > this.#platform.now()) {
      this.#sleepUntil(key, before.retryAt, () => this.#attempt(key, given, work))
      return
    }
    await this.#platform.hold()
    if (this.#isOver) return
    const options = stepOptions(given)
    const attempt = (before?.attempt ?? 0) + 1
    const began = this.#clock.monotonic()
    const tell = (outcome: 'done' | 'failed') => this.#platform.stepped(outcome, this.#clock.monotonic() - began)
    try {
      await attemptStep((call) => contained(this.#stray, () => work(call)), {
        ...{ step: key, key: stepKeyOf(this.#instance, key), attempt, correlationId: this.#instance.id },
        ...{ clock: this.#clock, timeoutMs: options.timeoutMs },
        // A step that begins after the cancellation is there to clean up.
        signal: this.#cancelledFor === undefined ? this.#abort.signal : this.#over.signal,
      })
      tell('done')
    } catch (error) {
      if (error instanceof JournalFailure || isError(error, 'WORKFLOW_JOURNAL_MISMATCH') || isLeaseLost(error))
        throw error
      tell('failed')
      if (this.#isOver || !this.#answers.isWaiting(key)) return
      const data = { key, attempt, error: kept(error), retryAt: retryAt(error, attempt, options, this.#platform.now()) }
      await this.#cursor.record([key, 'failed', attempt], { type: 'WorkflowStepFailed', data })
      if (data.retryAt !== null) this.#sleepUntil(key, data.retryAt, () => this.#attempt(key, given, work))
    }
  }

  async #do(key: string, call: StepCall, work: (call: StepCall) => unknown): Promise<void> {
    await this.#cursor.record([key, 'done'], stepDone(key, await work(call)))
  }

  /** Effect and record in one transaction, which a try that is over does not hold open. */
  async #transact(
    key: string,
    { signal }: StepCall,
    work: (transaction: Queryable) => Promise<unknown>,
  ): Promise<void> {
    const notes = this.#cursor.notes(`step ${key}`)
    const bounded = async (transaction: Queryable) => stepDone(key, await abortable(work(transaction), signal))
    await this.#platform.journal.transact(key, bounded, notes)
    await this.#cursor.catchUp()
  }

  async #sleep(key: string, time: number | Date): Promise<void> {
    if (!this.#timers.has(key)) {
      const at = time instanceof Date ? time.getTime() : this.#platform.now() + time
      await this.#cursor.record([key, 'set'], { type: 'WorkflowTimerSet', data: { key, at } })
    }
    const at = this.#timers.get(key) ?? 0
    if (at > this.#platform.now()) this.#sleepUntil(key, at, () => this.#sleep(key, time))
    else await this.#cursor.record([key, 'fired'], { type: 'WorkflowTimerFired', data: { key } })
  }

  async #wait(key: string, name: string, timeoutMs: number | undefined): Promise<void> {
    if (!this.#timers.has(key)) {
      const until = timeoutMs === undefined ? null : this.#platform.now() + timeoutMs
      await this.#cursor.record([key, 'begun'], { type: 'WorkflowWaitBegun', data: { key, until } })
    }
    const until = this.#timers.get(key) ?? null
    if (until === null || !this.#answers.waitsForSignal(key)) return
    if (until > this.#platform.now()) this.#sleepUntil(key, until, () => this.#wait(key, name, timeoutMs))
    else await this.#cursor.record([key, 'timed out'], { type: 'WorkflowWaitTimedOut', data: { key } })
  }

  async #child(key: string, child: { workflow: string; version: number }, input: unknown): Promise<void> {
    if (this.#children.has(key)) return
    await this.#platform.hold()
    if (this.#isOver) return
    const given = requireJson(`the input of the child "${key}"`, input ?? null)
    await this.#platform.journal.beginChild(key, child, given, this.#cursor.notes(`child ${key}`))
    await this.#cursor.catchUp()
  }

  /** Goes on at a time: in this run when it lasts so long, otherwise in the next. */
  #sleepUntil(key: string, at: number, work: () => Promise<void>): void {
    this.#sleepers.set(key, { at, work })
    this.#arm(key)
  }

  #arm(key: string): void {
    const sleeper = this.#sleepers.get(key)
    if (!sleeper || !this.#isLive) return
    const wake = () => {
      if (this.#isOver || !this.#answers.isWaiting(key) || this.#sleepers.get(key) !== sleeper) return
      this.#sleepers.delete(key)
      this.#track(this.#busy().then(sleeper.work))
    }
    const delayMs = sleeper.at - this.#platform.now()
    if (delayMs <= 0) wake()
    else this.#clock.sleep(delayMs, this.#awake.signal).then(wake, () => {})
  }

  /** What is idle has given its place to others. */
  async #busy(): Promise<void> {
    if (!this.#isIdle) return
    this.#isIdle = false
    await this.#platform.busy()
  }

  #refuseSignal(key: string, signal: Signal, reason: string): void {
    const data = { key, signal: signal.version, reason }
    this.#whenLive(key, () =>
      this.#track(this.#cursor.record([key, 'refused', signal.version], { type: 'WorkflowSignalRefused', data })),
    )
  }

  async #hand({ version, at, event }: JournalRecord): Promise<void> {
    this.#time = Math.max(this.#time, at)
    switch (event.type) {
      case 'WorkflowStepCompleted':
        return this.#settle(event.data.key, () => event.data.result)
      case 'WorkflowStepFailed':
        return this.#stepFailed(event.data)
      case 'WorkflowTimerSet':
        this.#timers.set(event.data.key, event.data.at)
        return
      case 'WorkflowTimerFired':
        return this.#settle(event.data.key, () => undefined)
      case 'WorkflowWaitBegun':
        this.#timers.set(event.data.key, event.data.until)
        return
      case 'WorkflowWaitTimedOut':
        this.#answers.forgetSignal(event.data.key)
        return this.#settle(event.data.key, () => undefined)
      case 'WorkflowSignalRefused':
        this.#misfits.add(event.data.key)
        return
      case 'WorkflowSignalReceived':
        this.#seen += 1
        if (!this.#refused.has(version))
          await this.#answers.receive(event.data.name, { version, value: event.data.value })
        return
      case 'WorkflowChildStarted':
        this.#children.set(event.data.key, event.data)
        return
      case 'WorkflowChildEnded': {
        this.#seen += 1
        const child = this.#children.get(event.data.key) ?? this.#instance
        return this.#settle(event.data.key, () => resultOf(child, event.data.outcome))
      }
      case 'WorkflowCancelRequested':
        this.#seen += 1
        return this.#cancel(event.data.reason)
    }
  }

  #stepFailed({
    key,
    attempt,
    error,
    retryAt: again,
  }: Extract<JournalEvent, { type: 'WorkflowStepFailed' }>['data']): void {
    if (again !== null) this.#failures.set(key, { attempt, retryAt: again })
    else
      this.#settle(key, () => {
        throw stepError(key, error)
      })
  }

  #settle(key: string, value: () => unknown): void {
    this.#sleepers.delete(key)
    this.#answers.settle(key, value)
  }

  #cancel(reason: string): void {
    if (this.#cancelledFor !== undefined) return
    this.#cancelledFor = reason
    this.#abort.abort(this.#cancelled())
    for (const key of this.#answers.waiting) this.#rejectCancelled(key)
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
    const parts = JSON.stringify([workflow, id, this.#draws])
    return createHash('sha256').update(parts).digest().readUInt32BE() / 2 ** 32
  }
}

function stepDone(key: string, result: unknown): JournalEvent {
  return {
    type: 'WorkflowStepCompleted',
    data: { key, ...(result === undefined ? {} : { result: requireJson(`the result of step "${key}"`, result) }) },
  }
}

async function checkSignal(
  schema: Schema,
  value: unknown,
): Promise<{ readonly value: unknown } | { readonly refused: string }> {
  const checked = await schema['~standard'].validate(value)
  return checked.issues ? { refused: shownIssues(checked.issues) } : { value: checked.value }
}
