/**
 * Stops calling what fails. Closed, it counts failures in a row and, over a sliding window of ten slices, their share; open, it refuses; half-open,
 * it lets a few calls through and closes when they succeed, or opens again at the first that fails.
 */
import * as z from 'zod'
import { type AnsweringAnnotation, annotate } from '../annotation.ts'
import { DurationSetting, parseMs } from '../duration.ts'
import { isFailure, kindOf } from '../failure.ts'
import { answering, type Policy, type SettingsOf, settingsOf } from '../policy.ts'

const settings = settingsOf(
  {
    consecutive: z.int().min(1).describe('Opens after so many failures in a row'),
    rate: z.number().min(0).max(1).describe('Opens when this share of the calls within the window failed'),
    over: DurationSetting.describe('The sliding window of `rate`'),
    minimum: z.int().min(1).describe('Calls within the window before `rate` counts'),
    openFor: DurationSetting.describe('How long calls are refused before the first is tried again'),
    probes: z.int().min(1).describe('Calls that must succeed, tried at the same time at most, to close again'),
  },
  { consecutive: 5, rate: 0.5, over: '10s', minimum: 20, openFor: '5s', probes: 1 },
)
type BreakerSettings = SettingsOf<typeof settings>

/** Refuses calls with CIRCUIT_OPEN for a while once the operation fails too often. */
export function breaker(given: z.infer<typeof settings.schema> = {}): AnsweringAnnotation {
  return annotate('breaker', settings.schema, given)
}

export type CircuitState = 'closed' | 'open' | 'half-open'

const slices = 10

export class CircuitBreaker {
  #settings: BreakerSettings
  #sliceMs: number
  #openForMs: number

  #state: CircuitState = 'closed'
  #term = 0
  #failuresInARow = 0
  #openedAt = 0
  #probing = 0
  /** When the last probe was let through. */
  #probedAt = 0
  #probesSucceeded = 0
  readonly #calls = new Float64Array(slices)
  readonly #failures = new Float64Array(slices)
  /** The number of the slice, since time began, that was written last. */
  #slice = 0
  /** How often it opened, and how many calls it refused. */
  opened = 0
  refused = 0

  constructor(settings: BreakerSettings) {
    this.#settings = settings
    this.#sliceMs = parseMs(settings.over) / slices
    this.#openForMs = parseMs(settings.openFor)
  }

  /** Takes up new settings. What it has counted stays, unless the window is another. */
  configure(settings: BreakerSettings): void {
    const sliceMs = parseMs(settings.over) / slices
    if (sliceMs !== this.#sliceMs) this.#clear()
    this.#settings = settings
    this.#sliceMs = sliceMs
    this.#openForMs = parseMs(settings.openFor)
  }

  get state(): CircuitState {
    return this.#state
  }

  /**
   * Changes with each change of the state. A call keeps the term in which it was admitted and says it when it is told of: a call from before the
   * breaker opened is no probe, and says nothing of how the operation is since.
   */
  get term(): number {
    return this.#term
  }

  /**
   * 0 when the call may go ahead, and must then be told of by `succeeded`, `failed`, `learn` or `left`; else how long to wait, in milliseconds.
   * A probe that has said nothing for `openFor` is taken for lost, and others are let through in its place.
   */
  admit(nowMs: number): number {
    if (this.#state === 'closed') return 0
    if (this.#state === 'open') {
      const left = this.#openedAt + this.#openForMs - nowMs
      if (left > 0) return this.#refuse(left)
      this.#probe()
    } else if (this.#probing >= this.#settings.probes) {
      if (nowMs - this.#probedAt < this.#openForMs) return this.#refuse(Math.min(100, this.#openForMs))
      this.#probe()
    }
    this.#probing++
    this.#probedAt = nowMs
    return 0
  }

  succeeded(nowMs: number, term: number): void {
    if (term !== this.#term) return
    this.#failuresInARow = 0
    if (this.#state === 'closed') {
      increment(this.#calls, this.#sliceAt(nowMs))
    } else if (this.#state === 'half-open') {
      this.#probing = Math.max(0, this.#probing - 1)
      if (++this.#probesSucceeded >= this.#settings.probes) this.#close()
    }
  }

  failed(nowMs: number, term: number): void {
    if (term !== this.#term) return
    this.#failuresInARow++
    if (this.#state === 'half-open') this.#open(nowMs)
    if (this.#state !== 'closed') return
    const slice = this.#sliceAt(nowMs)
    increment(this.#calls, slice)
    increment(this.#failures, slice)
    if (this.#failuresInARow >= this.#settings.consecutive || this.#failsTooOften()) this.#open(nowMs)
  }

  /**
   * What an error says of the operation: trouble is a failure. Of a call that was given up, or came too often, it learns nothing. Any other refusal
   * says that the call asked wrongly; a probe shows by it that the operation answers.
   */
  learn(error: unknown, nowMs: number, term: number): void {
    const kind = kindOf(error)
    if (isFailure(error)) this.failed(nowMs, term)
    else if (kind === 'cancelled' || kind === 'rate-limited') this.left(term)
    else if (this.#state === 'half-open') this.succeeded(nowMs, term)
  }

  /** The call ended without a word on how its operation is. */
  left(term: number): void {
    if (this.#state === 'half-open' && term === this.#term) this.#probing = Math.max(0, this.#probing - 1)
  }

  #refuse(waitMs: number): number {
    this.refused++
    return Math.max(1, Math.ceil(waitMs))
  }

  #failsTooOften(): boolean {
    let calls = 0
    let failures = 0
    for (let i = 0; i < slices; i++) {
      calls += this.#calls[i] ?? 0
      failures += this.#failures[i] ?? 0
    }
    const { minimum, rate } = this.#settings
    return calls >= minimum && failures / calls >= rate
  }

  #open(nowMs: number): void {
    this.#turn('open')
    this.#openedAt = nowMs
    this.opened++
  }

  #probe(): void {
    this.#turn('half-open')
    this.#probing = 0
    this.#probesSucceeded = 0
  }

  #close(): void {
    this.#turn('closed')
    this.#clear()
  }

  #turn(state: CircuitState): void {
    this.#state = state
    this.#term++
  }

  #clear(): void {
    this.#failuresInARow = 0
    this.#calls.fill(0)
    this.#failures.fill(0)
  }

  /** The index of the slice of this time; those that have slid out of the window are emptied. */
  #sliceAt(nowMs: number): number {
    const slice = Math.floor(nowMs / this.#sliceMs)
    const past = Math.min(slices, slice - this.#slice)
    for (let i = 1; i <= past; i++) {
      const index = (this.#slice + i) % slices
      this.#calls[index] = 0
      this.#failures[index] = 0
    }
    if (slice > this.#slice) this.#slice = slice
    return this.#slice % slices
  }
}

const numbers = { closed: 0, 'half-open': 0.5, open: 1 } as const

export interface BreakerState {
  readonly state: CircuitState
  readonly opened: number
  readonly refused: number
}

export const breakerPolicy: Policy<z.infer<typeof settings.schema>, BreakerSettings, CircuitBreaker, BreakerState> = {
  ...settings,
  side: 'caller',
  kinds: answering,
  isCode: false,
  metrics: [
    {
      kind: 'gauge',
      name: 'keelson_breaker_state',
      help: '0 closed, 0.5 half-open, 1 open',
      read: ({ state }) => numbers[state],
    },
    {
      kind: 'counter',
      name: 'keelson_breaker_refused_total',
      help: 'Calls refused by an open breaker',
      read: ({ refused }) => refused,
    },
  ],
  attach() {
    // Made when it is first wanted, and kept from then on.
    let circuit: CircuitBreaker | undefined
    return {
      configure(given) {
        if (!given) return undefined
        circuit?.configure(given)
        circuit ??= new CircuitBreaker(given)
        return circuit
      },
      state: () => ({
        state: circuit?.state ?? 'closed',
        opened: circuit?.opened ?? 0,
        refused: circuit?.refused ?? 0,
      }),
    }
  },
}

function increment(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1
}
