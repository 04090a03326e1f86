/** Makes calls slow or fail on purpose, to see what the rest of a system does about it. Off unless the configuration allows it. */
import type { CallContext, Clock, FlagEvaluator } from '@keelson/kernel'
import * as z from 'zod'
import { DurationSetting, parseMs } from '../duration.ts'
import { resilienceErrors } from '../errors.ts'
import { answering, type Policy, type SettingsOf, settingsOf } from '../policy.ts'

const settings = settingsOf(
  {
    share: z.number().min(0).max(1).describe('Of the calls, which are struck'),
    callers: z.array(z.string()).describe('Only calls of these services'),
    flag: z.string().describe('Only where this flag is on'),
    latency: DurationSetting.describe('Waits so long before the call'),
    error: z.boolean().describe('Fails with CHAOS_INJECTED instead of the call'),
    abort: z
      .boolean()
      .describe('Does not answer: the deadline ends it, or the caller, or CHAOS_INJECTED after a minute'),
  },
  { share: 1 },
)
type ChaosSettings = SettingsOf<typeof settings>

/** A call that nobody ends is not left hanging for good. */
const longestSilenceMs = 60_000

export class Chaos {
  readonly #settings: ChaosSettings
  readonly #flags: () => FlagEvaluator | undefined
  readonly counts: { struck: number }

  constructor(given: ChaosSettings, flags: () => FlagEvaluator | undefined, counts: { struck: number }) {
    this.#settings = given
    this.#flags = flags
    this.counts = counts
  }

  /** Whether this call is struck, which is then counted. */
  strikes({ origin, caller }: CallContext, random: () => number): boolean {
    const { share, callers, flag } = this.#settings
    if (callers && !callers.includes(caller)) return false
    if (flag !== undefined && !this.#flags()?.isEnabled(flag, origin.identity)) return false
    if (random() >= share) return false
    this.counts.struck++
    return true
  }

  /** Resolves when the call may go on; rejects with CHAOS_INJECTED, or with the signal's reason. */
  async strike(operation: string, signal: AbortSignal, clock: Clock): Promise<void> {
    const { latency, error, abort } = this.#settings
    if (latency !== undefined) await clock.sleep(parseMs(latency), signal)
    if (abort) await clock.sleep(longestSilenceMs, signal)
    if (error || abort) throw resilienceErrors.CHAOS_INJECTED({ operation })
  }
}

export const chaosPolicy: Policy<z.infer<typeof settings.schema>, ChaosSettings, Chaos, { readonly struck: number }> = {
  ...settings,
  side: 'callee',
  kinds: answering,
  isCode: false,
  metrics: [
    { kind: 'counter', name: 'keelson_chaos_total', help: 'Calls struck by chaos', read: ({ struck }) => struck },
  ],
  attach({ platform }) {
    const counts = { struck: 0 }
    return {
      configure: (given) => given && new Chaos(given, platform.flags, counts),
      state: () => ({ ...counts }),
    }
  },
}
