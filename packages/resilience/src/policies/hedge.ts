/**
 * A second attempt for calls that take longer than most: when a measured percentile of the time of earlier ones has passed without an answer, the
 * call is made again beside the first, and the first answer counts (Dean and Barroso, The Tail at Scale, 2013). A budget keeps the second
 * ones a small share of the calls.
 */
import { parseMs } from '../duration.ts'
import type { HedgeSettings } from '../settings.ts'
import { type Budget, earn, spend } from './budget.ts'

/** Attempts whose time must be known before one is hedged. */
const fewest = 50
/** After so many attempts each counts half as much: what was slow once is forgotten. */
const halfLife = 1_000
/** Each bucket ends a tenth above the one before: so exact is the percentile. */
const growth = 1.1
const firstMs = 0.1
const buckets = 180

/** What an operation has measured and spent: kept when its settings change. */
export interface HedgeState extends Budget {
  readonly counts: Float64Array
  measured: number
  /** Second attempts, and those that answered first. */
  hedged: number
  won: number
}

export const newHedgeState = (): HedgeState => ({
  counts: new Float64Array(buckets),
  measured: 0,
  tokens: 0,
  hedged: 0,
  won: 0,
})

export class Hedge {
  readonly percentile: number
  readonly leastMs: number
  readonly budget: number
  /** A command that is neither idempotent nor keyed might take effect twice. */
  readonly isSafe: boolean
  readonly state: HedgeState
  #afterMs: number | undefined
  #knownAt = 0

  constructor(settings: HedgeSettings, isSafe: boolean, state: HedgeState) {
    this.percentile = settings.percentile
    this.leastMs = parseMs(settings.least)
    this.budget = settings.budget
    this.isSafe = isSafe
    this.state = state
  }

  /** Each call earns its share of a second attempt. */
  earn(): void {
    earn(this.state, this.budget)
  }

  /** After how many milliseconds a call is to be made again; undefined while too little is known, or it must not be. */
  afterMs(isKeyed: boolean): number | undefined {
    if (!(this.isSafe || isKeyed)) return undefined
    const { measured } = this.state
    if (measured < fewest) return undefined
    // Looked up again when enough has been measured to change it.
    if (this.#afterMs === undefined || measured < this.#knownAt || measured >= this.#knownAt + fewest) {
      this.#afterMs = Math.max(this.leastMs, this.#quantile())
      this.#knownAt = measured
    }
    return this.#afterMs
  }

  /** Whether the budget allows a second attempt now, which it then pays. */
  take(): boolean {
    const isPaid = spend(this.state)
    if (isPaid) this.state.hedged++
    return isPaid
  }

  /** Tells how long an attempt took, or how long it had taken when another one answered. */
  ranFor(ms: number): void {
    const { state } = this
    const at = ms <= firstMs ? 0 : Math.min(buckets - 1, Math.ceil(Math.log(ms / firstMs) / Math.log(growth)))
    state.counts[at] = (state.counts[at] ?? 0) + 1
    state.measured++
    if (state.measured < halfLife) return
    for (let bucket = 0; bucket < buckets; bucket++) state.counts[bucket] = (state.counts[bucket] ?? 0) / 2
    state.measured /= 2
  }

  #quantile(): number {
    const { counts } = this.state
    let left = counts.reduce((sum, count) => sum + count, 0) * this.percentile
    for (let bucket = 0; bucket < buckets; bucket++) {
      left -= counts[bucket] ?? 0
      if (left <= 0) return firstMs * growth ** bucket
    }
    return firstMs * growth ** buckets
  }
}
