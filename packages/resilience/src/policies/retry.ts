/**
 * Whether, and when, a failed call is tried again. Waits are drawn between nothing and a bound that doubles ("full jitter": Brooker, Exponential
 * Backoff and Jitter, AWS 2015); a budget of tokens keeps retries a small share of the calls, so that they cannot become the load.
 */
import { backoffMs, isError, retryAfterOf } from '@keelson/kernel'
import * as z from 'zod'
import { type AnsweringAnnotation, annotate } from '../annotation.ts'
import { DurationSetting, parseMs } from '../duration.ts'
import { answering, type Policy, type PolicySubject, type SettingsOf, settingsOf } from '../policy.ts'
import { type Budget, earn, fullBudget, spend } from './budget.ts'

const settings = settingsOf(
  {
    attempts: z.int().min(1).max(100).describe('Tries in all, the first included'),
    initial: DurationSetting.describe('The longest wait before the second try; doubled for each further one'),
    longest: DurationSetting.describe('No wait is longer'),
    budget: z.number().min(0).max(1).describe('Retries per call over time, so that they cannot become the load'),
  },
  { attempts: 3, initial: '50ms', longest: '2s', budget: 0.1 },
)
type RetrySettings = SettingsOf<typeof settings>

/**
 * Tries again what failed with a retryable error: queries, commands that are `idempotent()`, and calls with an idempotency key of
 * commands that are `keyed()`. Waits are random between nothing and a bound that doubles (full jitter). An error's `retryAfterMs` is waited for; when it leads past `longest` or the deadline, there is no further try.
 */
export function retry(given: z.infer<typeof settings.schema> = {}): AnsweringAnnotation {
  return annotate('retry', settings.schema, given)
}

/** How many tokens are left: of the operation, so that a reload does not fill it. */
export interface RetryState extends Budget {
  /** Tries beside the first. */
  retries: number
  /** Failures that were not tried again for want of tokens. */
  exhausted: number
}

export class Retry {
  readonly #attempts: number
  readonly #initialMs: number
  readonly #longestMs: number
  readonly #budget: number
  readonly #isRepeatable: boolean
  readonly #isRepeatableByKey: boolean
  readonly #state: RetryState

  constructor(given: RetrySettings, { isRepeatable, isRepeatableByKey }: PolicySubject, state: RetryState) {
    this.#attempts = given.attempts
    this.#initialMs = parseMs(given.initial)
    this.#longestMs = parseMs(given.longest)
    this.#budget = given.budget
    this.#isRepeatable = isRepeatable
    this.#isRepeatableByKey = isRepeatableByKey()
    this.#state = state
  }

  /** Each call earns its share of a retry. */
  earn(): void {
    earn(this.#state, this.#budget)
  }

  /**
   * How long to wait before the next try, in milliseconds; undefined when there is none.
   *
   * @param tries how many there were.
   * @param leftMs until the deadline.
   */
  next(error: unknown, tries: number, leftMs: number, isKeyed: boolean, random: () => number): number | undefined {
    const isRepeatable = this.#isRepeatable || (isKeyed && this.#isRepeatableByKey)
    if (!isRepeatable || tries >= this.#attempts) return undefined
    if (!isError(error) || !error.retryable) return undefined
    const afterMs = retryAfterOf(error)
    const waitMs = Math.max(afterMs, backoffMs({ firstMs: this.#initialMs, mostMs: this.#longestMs }, tries, random))
    if (afterMs > this.#longestMs || waitMs >= leftMs) return undefined
    const state = this.#state
    if (!spend(state)) {
      state.exhausted++
      return undefined
    }
    state.retries++
    return waitMs
  }
}

export const retryPolicy: Policy<z.infer<typeof settings.schema>, RetrySettings, Retry, Readonly<RetryState>> = {
  ...settings,
  side: 'caller',
  kinds: answering,
  isCode: false,
  metrics: [
    {
      kind: 'counter',
      name: 'keelson_retries_total',
      help: 'Tries beside the first; over a wire each is a call',
      read: (state) => state.retries,
    },
    {
      kind: 'counter',
      name: 'keelson_retry_budget_exhausted_total',
      help: 'Failures not tried again for want of budget',
      read: (state) => state.exhausted,
    },
    {
      kind: 'gauge',
      name: 'keelson_retry_budget_tokens',
      help: 'Retries that the budget allows now',
      read: (state) => state.tokens,
    },
  ],
  attach(subject) {
    const state: RetryState = { tokens: fullBudget, retries: 0, exhausted: 0 }
    return {
      configure: (given) => given && new Retry(given, subject, state),
      state: () => ({ ...state }),
    }
  },
}
