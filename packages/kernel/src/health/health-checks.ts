/**
 * The checks of one service: each is bounded in time, may be cached, and says whether the service can do without what it looks at. However
 * many ask at once, a check runs once.
 */
import { type Clock, systemClock } from '../clock.ts'
import { reasonOf } from '../reason-of.ts'
import { withinTime } from '../waiting/within-time.ts'
import { type HealthCheck, type HealthReport, type HealthStatus, worstOf } from './health.ts'

export interface HealthCheckOptions {
  /** False: when the check fails, the service is degraded, not failed. True when left out. */
  readonly critical?: boolean
  /** How long an answer is given again before the check is run anew, in milliseconds; 0 when left out. */
  readonly cacheMs?: number
  /** A check that takes longer has failed; 5,000 ms when left out. */
  readonly timeoutMs?: number
}

export type HealthProbe = () => HealthCheck | Promise<HealthCheck>

interface Check {
  readonly probe: HealthProbe
  readonly options: Required<HealthCheckOptions>
  running: Promise<HealthCheck> | undefined
  last: { readonly answer: HealthCheck; readonly atMs: number } | undefined
}

export class HealthChecks {
  readonly #clock: Clock
  readonly #checks = new Map<string, Check>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Adds a check, or replaces the one of that name. */
  add(name: string, probe: HealthProbe, options: HealthCheckOptions = {}): void {
    const all = { critical: true, cacheMs: 0, timeoutMs: 5_000, ...options }
    this.#checks.set(name, { probe, options: all, running: undefined, last: undefined })
  }

  clear(): void {
    this.#checks.clear()
  }

  /** Runs every check side by side; one that throws or takes too long has failed. Never rejects. */
  async read(): Promise<HealthReport> {
    const weights: HealthStatus[] = []
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]): Promise<[string, HealthCheck]> => {
        const answer = await this.#answerOf(name, check)
        weights.push(answer.status === 'failed' && !check.options.critical ? 'degraded' : answer.status)
        return [name, answer]
      }),
    )
    return { status: worstOf(weights), checks: Object.fromEntries(results) }
  }

  #answerOf(name: string, check: Check): HealthCheck | Promise<HealthCheck> {
    const { last, options } = check
    if (last && this.#clock.monotonic() - last.atMs < options.cacheMs) return last.answer
    check.running ??= this.#run(name, check).then((answer) => {
      check.running = undefined
      check.last = { answer, atMs: this.#clock.monotonic() }
      return answer
    })
    return check.running
  }

  async #run(name: string, { probe, options: { timeoutMs } }: Check): Promise<HealthCheck> {
    const timedOut = () => new Error(`the check "${name}" did not answer within ${timeoutMs} ms`)
    try {
      return await withinTime(probe, { timeoutMs, clock: this.#clock, timedOut })
    } catch (error) {
      return { status: 'failed', message: reasonOf(error) }
    }
  }
}
