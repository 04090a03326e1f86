/** Makes calls slow or fail on purpose, to see what the rest of a system does about it. Off unless the configuration allows it. */
import type { CallContext, Clock, FlagEvaluator } from '@keelson/kernel'
import { parseMs } from '../duration.ts'
import { resilienceErrors } from '../errors.ts'
import type { ChaosSettings } from '../settings.ts'

export class Chaos {
  readonly #settings: ChaosSettings
  readonly #flags: () => FlagEvaluator | undefined

  constructor(settings: ChaosSettings, flags: () => FlagEvaluator | undefined) {
    this.#settings = settings
    this.#flags = flags
  }

  /** Whether this call is struck. */
  strikes(call: CallContext, caller: string, random: () => number): boolean {
    const { share, callers, flag } = this.#settings
    if (callers && !callers.includes(caller)) return false
    if (flag !== undefined && !this.#flags()?.isEnabled(flag, call.subject)) return false
    return random() < share
  }

  /** Resolves when the call may go on; rejects with CHAOS_INJECTED, or with the signal's reason. */
  async strike(operation: string, signal: AbortSignal, clock: Clock): Promise<void> {
    const { latency, error, abort } = this.#settings
    if (latency !== undefined) await clock.sleep(parseMs(latency), signal)
    if (abort)
      await new Promise<void>((_, reject) => {
        const give = () => reject(signal.reason)
        if (signal.aborted) give()
        else signal.addEventListener('abort', give, { once: true })
      })
    if (error) throw resilienceErrors.CHAOS_INJECTED({ operation })
  }
}
