/**
 * One run of an instance: the function from its start, answered from the journal until it is where it was, and then for real. Everything that
 * settles is written first and handed to the function in the order of the journal, so that a later run sees the same. A record has an id made from
 * what it is of: when two workers run one instance, as after a lease that ran out, the first record counts and the other takes it over.
 */
import { type Clock, isError, type KeelsonError } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { AskedWork, type WorkPlatform } from './asked-work.ts'
import { contained } from './contained-failures.ts'
import { randomOf, type StoredInstance } from './instance-names.ts'
import { JournalCursor, JournalFailure, turn } from './journal-cursor.ts'
import { runFunction } from './run-function.ts'
import type { Workflow, WorkflowContext } from './workflow.ts'
import { type Signal, WorkflowAnswers } from './workflow-answers.ts'
import { createContext } from './workflow-context.ts'
import {
  type AskedKind,
  type Journal,
  type JournalRecord,
  kept,
  type Outcome,
  outcomeIn,
  type RecordNotes,
  resultOf,
  stepError,
} from './workflow-journal.ts'
import type { RestingRun } from './workflow-tables.ts'

export type RunResult =
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly notes: RecordNotes }
  | ({ readonly kind: 'resting' } & RestingRun)
  | { readonly kind: 'parked'; readonly reason: string }

export interface RunPlatform extends WorkPlatform {
  /** Told of a failure that nobody waits for, of a run that is over. */
  readonly strayed: (error: unknown) => void
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
  readonly #work: AskedWork
  readonly #answers = new WorkflowAnswers((...refused) => this.#refuseSignal(...refused))
  /** Versions of signals that did not fit. */
  readonly #refused = new Set<number>()
  /** What waits for another signal than one that did not fit. */
  readonly #misfits = new Set<string>()
  readonly #queued: (() => void)[] = []
  /** Aborts when the instance is cancelled, or the program is about to end. */
  readonly #abort = new AbortController()
  /** Aborts when the run is over, and will not be gone on with. */
  readonly #over = new AbortController()
  #result = Promise.withResolvers<RunResult>()
  #seen = 0
  #active = 0
  #turns = 0
  /** Whether it does what it is asked for, instead of going through the journal or resting. */
  #isLive = false
  #isReplaying = true
  #outcome: Outcome | undefined
  /** What a signal did not fit that had come. */
  #misfit: string | undefined
  #cancelledFor: string | undefined
  #time = 0
  #draws = 0

  constructor(instance: StoredInstance, definition: Workflow, platform: RunPlatform) {
    this.#instance = instance
    this.#definition = definition
    this.#platform = platform
    this.#clock = platform.clock
    this.#cursor = new JournalCursor(platform, this.#answers, this.#over.signal, (record) => this.#hand(record))
    this.#work = new AskedWork({
      ...{
        instance,
        platform,
        cursor: this.#cursor,
        answers: this.#answers,
        over: this.#over.signal,
        stray: this.#stray,
      },
      stepSignal: () => (this.#cancelledFor === undefined ? this.#abort.signal : this.#over.signal),
      track: (work) => this.#track(work),
    })
  }

  /** Resolves when it has ended, is parked, or waits for a time or something from outside. Rejects when the database does. */
  async run(): Promise<RunResult> {
    const records = await this.#platform.journal.read(1)
    // It ended, and the row was not told: a dump, or a hand in the table.
    const ended = outcomeIn(records)
    if (ended) return { kind: 'ended', outcome: ended, notes: this.#cursor.notes() }
    const [first] = records
    if (first?.event.type !== 'WorkflowStarted') return { kind: 'parked', reason: 'its journal is empty' }
    if (records.length > mostRecords)
      return { kind: 'parked', reason: `its journal has more than ${mostRecords} records` }
    const { input } = first.event.data
    this.#replay(records, input).catch((error: unknown) => this.#broken(error))
    return this.#result.promise
  }

  /** Goes through a journal and does nothing else: why the code does not fit it, or undefined. */
  async rehearse(records: readonly JournalRecord[]): Promise<string | undefined> {
    const [first] = records
    if (first?.event.type !== 'WorkflowStarted') return 'its journal is empty'
    const parked = this.#result.promise.then((result) => (result.kind === 'parked' ? result.reason : undefined))
    const through = this.#goThrough(records, first.event.data.input).then(
      () => undefined,
      (error: unknown) => kept(error).message,
    )
    const problem = await Promise.race([through, parked])
    this.stop()
    if (problem !== undefined) return problem
    if (this.#misfit !== undefined) return this.#misfit
    return outcomeIn(records)?.status === 'completed' && this.#outcome?.status === 'failed'
      ? `fails where it had completed: ${this.#outcome.error.message}`
      : undefined
  }

  /** Goes on where it rested, when the instance has been taken up again. Resolves and rejects as `run`. */
  async goOn(): Promise<RunResult> {
    this.#result = Promise.withResolvers<RunResult>()
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
    await this.#goThrough(records, input)
    this.#isReplaying = false
    if (this.#outcome) this.#end(this.#outcome)
    this.#goLive()
  }

  async #goThrough(records: readonly JournalRecord[], input: unknown): Promise<void> {
    for (const { event } of records) if (event.type === 'WorkflowSignalRefused') this.#refused.add(event.data.signal)
    await this.#cursor.replay(records, () => void this.#start(input))
  }

  #goLive(): void {
    this.#isLive = true
    this.#work.wake()
    for (const work of this.#queued.splice(0)) work()
    this.#watchRest()
  }

  async #start(input: unknown): Promise<void> {
    const outcome = await contained(this.#stray, () =>
      runFunction(this.#definition, this.#context(), input, () => this.#cancelledFor),
    )
    if ('unfit' in outcome) this.park(outcome.unfit)
    // The journal may go on: then the code was changed.
    else if (this.#isReplaying) this.#outcome = outcome
    else this.#end(outcome)
  }

  #end(outcome: Outcome): void {
    this.#finish({ kind: 'ended', outcome, notes: this.#cursor.notes() })
  }

  #finish(result: RunResult): void {
    if (this.#isOver) return
    this.#over.abort()
    this.#result.resolve(result)
  }

  #rest(waitingFor: readonly string[], wakeAt: number | null): void {
    this.#isLive = false
    this.#work.rest()
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
    this.#result.reject(error instanceof JournalFailure ? error.cause : error)
  }

  #context(): WorkflowContext {
    const work = this.#work
    return createContext({
      id: this.#instance.id,
      now: () => this.#time,
      random: () => randomOf(this.#instance, ++this.#draws),
      patched: (name) => this.#answers.patched(name, this.#cursor),
      step: (name, ...step) => this.#ask('step', name, (key) => work.step(key, ...step)),
      transaction: (name, ...step) => this.#ask('step', name, (key) => work.transaction(key, ...step)),
      sleep: (name, time) => this.#ask('timer', name, (key) => work.sleep(key, time)),
      waitFor: (name, check, timeoutMs) =>
        this.#ask(
          'wait',
          name,
          (key) => work.wait(key, timeoutMs),
          (key) => this.#answers.waitForSignal({ key, name, check }),
        ),
      child: (name, child, input) =>
        this.#ask(
          'child',
          name,
          (key) => work.beginChild(key, child, input),
          (key) => work.childAsked(key, child),
        ),
    })
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
    first: (key: string) => Promise<void> | void = () => {},
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
      const wakeAt = this.#work.wakeAt(waiting)
      if (wakeAt === null || !this.#work.mayIdle(waiting, wakeAt)) this.#rest(waiting, wakeAt)
    })().catch(() => {})
  }

  #refuseSignal(key: string, signal: Signal, reason: string): void {
    const data = { key, signal: signal.version, reason }
    this.#misfit = `the signal of record ${signal.version} does not fit "${key}" any more: ${reason}`
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
        return this.#work.timed(event.data.key, event.data.at)
      case 'WorkflowTimerFired':
        return this.#settle(event.data.key, () => undefined)
      case 'WorkflowWaitBegun':
        return this.#work.timed(event.data.key, event.data.until)
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
        return this.#work.begun(event.data)
      case 'WorkflowChildEnded': {
        this.#seen += 1
        const child = this.#work.child(event.data.key) ?? this.#instance
        return this.#settle(event.data.key, () => resultOf(child, event.data.outcome))
      }
      case 'WorkflowCancelRequested':
        this.#seen += 1
        return this.#cancel(event.data.reason)
    }
  }

  #stepFailed({ key, attempt, error, retryAt }: Journal['WorkflowStepFailed']): void {
    if (retryAt !== null) this.#work.failed(key, attempt, retryAt)
    else
      this.#settle(key, () => {
        throw stepError(key, error)
      })
  }

  #settle(key: string, value: () => unknown): void {
    this.#work.settled(key)
    this.#answers.settle(key, value)
  }

  #cancel(reason: string): void {
    if (this.#cancelledFor !== undefined) return
    this.#cancelledFor = reason
    this.#abort.abort(this.#cancelled())
    for (const key of this.#answers.waiting) this.#rejectCancelled(key)
  }

  #rejectCancelled(key: string): void {
    this.#work.settled(key)
    this.#answers.reject(key, this.#cancelled())
  }

  #cancelled(): KeelsonError {
    const { workflow, id } = this.#instance
    return eventsErrors.WORKFLOW_CANCELLED({ workflow, id, reason: this.#cancelledFor ?? '' })
  }
}
