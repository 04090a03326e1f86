/**
 * Stops calling what fails. Closed, it counts failures in a row and, over a sliding window of ten slices, their share; open, it refuses; half-open,
 * it lets a few calls through and closes when they succeed, or opens again at the first that fails.
 */
import { parseMs } from '../duration.ts'
import type { BreakerSettings } from '../settings.ts'

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

  /** 0 when the call may go ahead, and must then be told of by `succeeded`, `failed` or `left`; else how long to wait, in milliseconds. */
  admit(nowMs: number): number {
    if (this.#state === 'closed') return 0
    if (this.#state === 'open') {
      const left = this.#openedAt + this.#openForMs - nowMs
      if (left > 0) return this.#refuse(left)
      this.#turn('half-open')
      this.#probing = 0
      this.#probesSucceeded = 0
    }
    if (this.#probing >= this.#settings.probes) return this.#refuse(Math.min(100, this.#openForMs))
    this.#probing++
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

function increment(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1
}
