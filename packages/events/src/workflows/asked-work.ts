/**
 * What a function asked for, done for real: steps with their tries, transactions, timers, waits and children. The journal is written first;
 * what a record says is noted here, so that nothing is done twice.
 */
import { type Clock, isError, isLeaseLost, type Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { contained } from './contained-failures.ts'
import { type StoredInstance, stepKeyOf } from './instance-names.ts'
import { type CursorPlatform, type JournalCursor, JournalFailure } from './journal-cursor.ts'
import { abortable, attemptStep, retryAt, stepOptions } from './step-attempt.ts'
import type { StepCall, StepOptions } from './workflow.ts'
import type { WorkflowAnswers } from './workflow-answers.ts'
import { type Journal, type JournalEvent, kept, requireJson } from './workflow-journal.ts'

export interface WorkPlatform extends CursorPlatform {
  /** Resolves when the instance is known to be this program's own, or the run was stopped. */
  readonly hold: () => Promise<void>
  /** Whether it may stay in memory for so long, with nothing to do, and gives its place to others. */
  readonly mayIdle: (forMs: number) => boolean
  /** Resolves when there is a place again. */
  readonly busy: () => Promise<void>
  /** Told of each try of a step. */
  readonly stepped: (outcome: 'done' | 'failed', tookMs: number) => void
}

/** The run that the work is of. */
export interface WorkRun {
  readonly instance: StoredInstance
  readonly platform: WorkPlatform
  readonly cursor: JournalCursor
  readonly answers: WorkflowAnswers
  /** Aborts when nothing is to be done any more. */
  readonly over: AbortSignal
  /** Of a step that begins now: aborts when the instance is cancelled, unless it was before. */
  readonly stepSignal: () => AbortSignal
  /** Keeps the run from resting until the work is done. */
  readonly track: (work: Promise<void>) => void
  /** Told of what a step leaves uncaught. */
  readonly stray: (error: unknown) => void
}

/** What another workflow is begun as. */
export type ChildKind = { readonly workflow: string; readonly version: number }

export class AskedWork {
  readonly #run: WorkRun
  readonly #clock: Clock
  readonly #timers = new Map<string, number | null>()
  readonly #failures = new Map<string, { readonly attempt: number; readonly retryAt: number }>()
  /** Which workflows the children are of that were asked for. */
  readonly #askedChildren = new Map<string, string>()
  readonly #children = new Map<string, Journal['WorkflowChildStarted']>()
  /** What waits for a time, by key: when that is, and what to do then. */
  readonly #sleepers = new Map<string, { readonly at: number; readonly work: () => Promise<void> }>()
  /** Aborts when the run rests. */
  #awake = new AbortController()
  #isLive = false
  #isIdle = false

  constructor(run: WorkRun) {
    this.#run = run
    this.#clock = run.platform.clock
  }

  /** The journal tells when a timer or wait is over; null for never. */
  timed(key: string, until: number | null): void {
    this.#timers.set(key, until)
  }

  /** The journal tells of a try that failed. */
  failed(key: string, attempt: number, again: number): void {
    this.#failures.set(key, { attempt, retryAt: again })
  }

  /** The function asks for a child. */
  childAsked(key: string, { workflow }: ChildKind): void {
    this.#askedChildren.set(key, workflow)
  }

  /** The journal tells of a child. Throws WORKFLOW_JOURNAL_MISMATCH when it is of another workflow than was asked for. */
  begun(child: Journal['WorkflowChildStarted']): void {
    const asked = this.#askedChildren.get(child.key)
    const { workflow, id } = this.#run.instance
    if (asked !== child.workflow)
      throw eventsErrors.WORKFLOW_JOURNAL_MISMATCH({
        ...{ workflow, id, position: this.#run.cursor.version },
        asked: `a child "${child.key}" of "${asked}"`,
        found: `one of "${child.workflow}"`,
      })
    this.#children.set(child.key, child)
  }

  child(key: string): Journal['WorkflowChildStarted'] | undefined {
    return this.#children.get(key)
  }

  settled(key: string): void {
    this.#sleepers.delete(key)
  }

  /** Timers run from now on. */
  wake(): void {
    if (this.#awake.signal.aborted) this.#awake = new AbortController()
    this.#isLive = true
    for (const key of this.#sleepers.keys()) this.#arm(key)
  }

  rest(): void {
    this.#isLive = false
    this.#awake.abort()
  }

  /** When the first of what is waited for is due; null when it waits for nothing but what comes from outside. */
  wakeAt(waiting: readonly string[]): number | null {
    const times = waiting.flatMap((key) => this.#sleepers.get(key)?.at ?? [])
    return times.length === 0 ? null : Math.min(...times)
  }

  /** Whether all that is waited for is due so soon that the run stays in memory; it has given its place to others then. */
  mayIdle(waiting: readonly string[], wakeAt: number): boolean {
    const { answers, platform } = this.#run
    const isTimed = waiting.every((key) => !answers.waitsForSignal(key) && this.#sleepers.has(key))
    this.#isIdle = isTimed && platform.mayIdle(wakeAt - platform.now())
    return this.#isIdle
  }

  step(key: string, options: StepOptions, work: (call: StepCall) => unknown): Promise<void> {
    return this.#attempt(key, options, async (call) =>
      this.#run.cursor.record([key, 'done'], stepDone(key, await work(call))),
    )
  }

  /** Effect and record are one transaction, which a try that is over does not hold open. */
  transaction(key: string, options: StepOptions, work: (transaction: Queryable) => Promise<unknown>): Promise<void> {
    const { cursor, platform } = this.#run
    return this.#attempt(key, options, async ({ signal }) => {
      const bounded = async (transaction: Queryable) => stepDone(key, await abortable(work(transaction), signal))
      await platform.journal.transact(key, bounded, cursor.notes(`step ${key}`))
      await cursor.catchUp()
    })
  }

  async #attempt(key: string, given: StepOptions, work: (call: StepCall) => Promise<void>): Promise<void> {
    const { platform, answers, cursor, over, instance } = this.#run
    const before = this.#failures.get(key)
    if (before && before.retryAt > platform.now()) {
      this.#sleepUntil(key, before.retryAt, () => this.#attempt(key, given, work))
      return
    }
    await platform.hold()
    if (over.aborted) return
    const options = stepOptions(given)
    const attempt = (before?.attempt ?? 0) + 1
    const began = this.#clock.monotonic()
    const tell = (outcome: 'done' | 'failed') => platform.stepped(outcome, this.#clock.monotonic() - began)
    try {
      await attemptStep((call) => contained(this.#run.stray, () => work(call)), {
        ...{ step: key, key: stepKeyOf(instance, key), attempt, correlationId: instance.id },
        ...{ clock: this.#clock, timeoutMs: options.timeoutMs, signal: this.#run.stepSignal() },
      })
      tell('done')
    } catch (error) {
      if (isNoFailureOfStep(error)) throw error
      tell('failed')
      if (over.aborted || !answers.isWaiting(key)) return
      const data = { key, attempt, error: kept(error), retryAt: retryAt(error, attempt, options, platform.now()) }
      await cursor.record([key, 'failed', attempt], { type: 'WorkflowStepFailed', data })
      if (data.retryAt !== null) this.#sleepUntil(key, data.retryAt, () => this.#attempt(key, given, work))
    }
  }

  async sleep(key: string, time: number | Date): Promise<void> {
    const { cursor, platform } = this.#run
    if (!this.#timers.has(key)) {
      const at = time instanceof Date ? time.getTime() : platform.now() + time
      await cursor.record([key, 'set'], { type: 'WorkflowTimerSet', data: { key, at } })
    }
    const at = this.#timers.get(key) ?? 0
    if (at > platform.now()) this.#sleepUntil(key, at, () => this.sleep(key, time))
    else await cursor.record([key, 'fired'], { type: 'WorkflowTimerFired', data: { key } })
  }

  async wait(key: string, timeoutMs: number | undefined): Promise<void> {
    const { cursor, platform, answers } = this.#run
    if (!this.#timers.has(key)) {
      const until = timeoutMs === undefined ? null : platform.now() + timeoutMs
      await cursor.record([key, 'begun'], { type: 'WorkflowWaitBegun', data: { key, until } })
    }
    const until = this.#timers.get(key) ?? null
    if (until === null || !answers.waitsForSignal(key)) return
    if (until > platform.now()) this.#sleepUntil(key, until, () => this.wait(key, timeoutMs))
    else await cursor.record([key, 'timed out'], { type: 'WorkflowWaitTimedOut', data: { key } })
  }

  async beginChild(key: string, child: ChildKind, input: unknown): Promise<void> {
    const { cursor, platform, over } = this.#run
    if (this.#children.has(key)) return
    await platform.hold()
    if (over.aborted) return
    const given = requireJson(`the input of the child "${key}"`, input ?? null)
    await platform.journal.beginChild(key, child, given, cursor.notes(`child ${key}`))
    await cursor.catchUp()
  }

  /** Goes on at a time: in this run when it lasts so long, otherwise in the next. */
  #sleepUntil(key: string, at: number, work: () => Promise<void>): void {
    this.#sleepers.set(key, { at, work })
    this.#arm(key)
  }

  #arm(key: string): void {
    const sleeper = this.#sleepers.get(key)
    const { answers, over, platform } = this.#run
    if (!sleeper || !this.#isLive) return
    const wake = () => {
      if (over.aborted || !answers.isWaiting(key) || this.#sleepers.get(key) !== sleeper) return
      this.#sleepers.delete(key)
      this.#run.track(this.#busy().then(sleeper.work))
    }
    const delayMs = sleeper.at - platform.now()
    if (delayMs <= 0) wake()
    else this.#clock.sleep(delayMs, AbortSignal.any([this.#awake.signal, over])).then(wake, () => {})
  }

  /** What is idle has given its place to others. */
  async #busy(): Promise<void> {
    if (!this.#isIdle) return
    this.#isIdle = false
    await this.#run.platform.busy()
  }
}

/** The database, the journal or the lease is to blame, not the step. */
function isNoFailureOfStep(error: unknown): boolean {
  return error instanceof JournalFailure || isError(error, 'WORKFLOW_JOURNAL_MISMATCH') || isLeaseLost(error)
}

function stepDone(key: string, result: unknown): JournalEvent {
  return {
    type: 'WorkflowStepCompleted',
    data: { key, ...(result === undefined ? {} : { result: requireJson(`the result of step "${key}"`, result) }) },
  }
}
