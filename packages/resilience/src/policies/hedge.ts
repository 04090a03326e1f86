/**
 * A second attempt for calls that take longer than most: when a measured percentile of the time of earlier ones has passed without an answer, the
 * call is made again beside the first, and the first answer counts (Dean and Barroso, The Tail at Scale, 2013). A budget keeps the second
 * ones a small share of the calls.
 */
import * as z from 'zod'
import { type AnsweringAnnotation, annotate } from '../annotation.ts'
import { DurationSetting, parseMs } from '../duration.ts'
import { answering, type Policy, type SettingsOf, settingsOf } from '../policy.ts'
import { type Budget, earn, spend } from './budget.ts'

const share = z.number().min(0).max(1)
const settings = settingsOf(
  {
    percentile: share.describe('A call is made a second time when it takes longer than this share of those before'),
    least: DurationSetting.describe('Never before'),
    budget: share.describe('Second attempts per call over time'),
  },
  { percentile: 0.95, least: '1ms', budget: 0.05 },
)
type HedgeSettings = SettingsOf<typeof settings>

/**
 * Makes a call a second time, beside the first, when it takes longer than most of those before; the first answer counts, and the other attempt is told by
 * its signal. Queries, and commands that are `idempotent()`.
 */
export function hedge(given: z.infer<typeof settings.schema> = {}): AnsweringAnnotation {
  return annotate('hedge', settings.schema, given)
}

/** Attempts whose time must be known before one is hedged. */
const fewest = 50
/** After so many attempts each counts half as much: what was slow once is forgotten. */
const halfLife = 1_000
/** Each bucket ends a tenth above the one before: so exact is the percentile. */
const growth = 1.1
const firstMs = 0.1
const buckets = 180

/** What an operation has measured and spent: kept when its settings change. */
interface HedgeState extends Budget {
  readonly counts: Float64Array
  measured: number
  /** Second attempts, and those that answered first. */
  hedged: number
  won: number
}

export class Hedge {
  readonly percentile: number
  readonly leastMs: number
  readonly budget: number
  /** Any other command might take effect twice. */
  readonly isRepeatable: boolean
  readonly state: HedgeState
  #afterMs: number | undefined
  #knownAt = 0

  constructor(given: HedgeSettings, isRepeatable: boolean, state: HedgeState) {
    this.percentile = given.percentile
    this.leastMs = parseMs(given.least)
    this.budget = given.budget
    this.isRepeatable = isRepeatable
    this.state = state
  }

  /** Each call earns its share of a second attempt. */
  earn(): void {
    earn(this.state, this.budget)
  }

  /** After how many milliseconds a call is to be made again; undefined while too little is known, or it must not be. */
  afterMs(): number | undefined {
    if (!this.isRepeatable) return undefined
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

  /** A second attempt has answered first. */
  won(): void {
    this.state.won++
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

export interface HedgeCounts {
  readonly hedged: number
  readonly won: number
  readonly tokens: number
}

export const hedgePolicy: Policy<z.infer<typeof settings.schema>, HedgeSettings, Hedge, HedgeCounts> = {
  ...settings,
  side: 'caller',
  kinds: answering,
  isCode: false,
  metrics: [
    {
      kind: 'counter',
      name: 'keelson_hedges_total',
      help: 'Second attempts beside the first',
      read: ({ hedged }) => hedged,
    },
    {
      kind: 'counter',
      name: 'keelson_hedges_won_total',
      help: 'Second attempts that answered first',
      read: ({ won }) => won,
    },
  ],
  attach({ isRepeatable }) {
    const state: HedgeState = { counts: new Float64Array(buckets), measured: 0, tokens: 0, hedged: 0, won: 0 }
    return {
      configure: (given) => given && new Hedge(given, isRepeatable, state),
      state: () => ({ hedged: state.hedged, won: state.won, tokens: state.tokens }),
    }
  },
}
