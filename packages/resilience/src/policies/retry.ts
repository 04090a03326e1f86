/**
 * Whether, and when, a failed call is tried again. Waits are drawn between nothing and a bound that doubles ("full jitter": Brooker, Exponential
 * Backoff and Jitter, AWS 2015); a budget of tokens keeps retries a small share of the calls, so that they cannot become the load.
 */
import { isError, retryAfterOf } from '@keelson/kernel'
import { parseMs } from '../duration.ts'
import type { RetrySettings } from '../settings.ts'
import { type Budget, earn, fullBudget, spend } from './budget.ts'

/** How many tokens are left: of the operation, so that a reload does not fill it. */
export interface RetryState extends Budget {
  /** Tries beside the first. */
  retries: number
  /** Failures that were not tried again for want of tokens. */
  exhausted: number
}

export const newRetryState = (): RetryState => ({ tokens: fullBudget, retries: 0, exhausted: 0 })

export class Retry {
  readonly attempts: number
  readonly initialMs: number
  readonly longestMs: number
  readonly budget: number
  /** A command that is neither idempotent nor keyed might take effect twice. */
  readonly isSafe: boolean
  readonly state: RetryState

  constructor(settings: RetrySettings, isSafe: boolean, state: RetryState) {
    this.attempts = settings.attempts
    this.initialMs = parseMs(settings.initial)
    this.longestMs = parseMs(settings.longest)
    this.budget = settings.budget
    this.isSafe = isSafe
    this.state = state
  }

  /** Each call earns its share of a retry. */
  earn(): void {
    earn(this.state, this.budget)
  }

  /**
   * How long to wait before the next try, in milliseconds; undefined when there is none.
   *
   * @param tries how many there were.
   * @param leftMs until the deadline.
   */
  next(error: unknown, tries: number, leftMs: number, isKeyed: boolean, random: () => number): number | undefined {
    if (tries >= this.attempts || !(this.isSafe || isKeyed)) return undefined
    if (!isError(error) || !error.retryable) return undefined
    const bound = Math.min(this.longestMs, this.initialMs * 2 ** (tries - 1))
    const waitMs = Math.max(retryAfterOf(error), random() * bound)
    if (waitMs >= leftMs) return undefined
    const { state } = this
    if (!spend(state)) {
      state.exhausted++
      return undefined
    }
    state.retries++
    return waitMs
  }
}
