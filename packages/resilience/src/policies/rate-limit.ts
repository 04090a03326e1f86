/** Bounds how often an operation is called, by everybody together, by each calling service, by each subject or by each tenant. */
import { type CallContext, type Clock, promiseOf } from '@keelson/kernel'
import * as z from 'zod'
import { type AnsweringAnnotation, annotate } from '../annotation.ts'
import { DurationSetting, parseMs } from '../duration.ts'
import { answering, type Policy, type PolicySubject, type SettingsOf, settingsOf } from '../policy.ts'
import { boundedKey } from './cache-keys.ts'
import { identityOf, tenantOf } from './identity.ts'
import type { Rate, RateLimitStore } from './rate-limit-store.ts'
import { patiently } from './store-patience.ts'

const settings = settingsOf(
  {
    limit: z.int().min(1).describe('Calls in each period'),
    per: DurationSetting.describe('The period'),
    burst: z.int().min(1).describe('Calls at once, after a pause; the limit'),
    by: z.enum(['operation', 'caller', 'subject', 'tenant']).describe('Who shares one limit'),
  },
  { limit: 100, per: '1s', by: 'operation' },
)
type RateLimitSettings = SettingsOf<typeof settings>

const whoShares = {
  operation: () => '',
  caller: ({ caller }: CallContext) => caller,
  subject: identityOf,
  tenant: tenantOf,
}

/** Refuses calls over a rate with RATE_LIMITED (the generic cell rate algorithm). */
export function rateLimit(given: z.infer<typeof settings.schema>): AnsweringAnnotation {
  return annotate('rateLimit', settings.schema, given)
}

export class RateLimit {
  readonly #operation: string
  readonly #rate: Rate
  readonly #store: RateLimitStore
  readonly #clock: Clock
  readonly counts: { refused: number }
  readonly by: RateLimitSettings['by']

  constructor(
    { limit, per, burst = limit, by }: RateLimitSettings,
    { name, platform }: PolicySubject,
    counts: { refused: number },
  ) {
    this.#operation = name
    this.#rate = { intervalMs: parseMs(per) / limit, burst }
    this.#store = platform.rateLimits
    this.#clock = platform.clock
    this.by = by
    this.counts = counts
  }

  /**
   * 0 when the call may go ahead, else when to come back, in milliseconds. A store that cannot be reached lets calls through: it must not take down
   * what it is there to protect.
   */
  take(call: CallContext): unknown {
    const who = whoShares[this.by](call)
    const key = who === '' ? this.#operation : `${this.#operation}:${boundedKey(who)}`
    try {
      const taken = this.#store.take(key, this.#rate)
      const late = promiseOf(taken)
      return late === undefined ? taken : patiently(late, this.#clock)
    } catch {
      return 0
    }
  }
}

export const rateLimitPolicy: Policy<
  z.infer<typeof settings.schema>,
  RateLimitSettings,
  RateLimit,
  { readonly refused: number }
> = {
  ...settings,
  side: 'both',
  kinds: answering,
  isCode: false,
  metrics: [
    {
      kind: 'counter',
      name: 'keelson_rate_limited_total',
      help: 'Calls over their rate limit',
      read: ({ refused }) => refused,
    },
  ],
  attach(subject) {
    const counts = { refused: 0 }
    return {
      configure: (given) => given && new RateLimit(given, subject, counts),
      state: () => ({ ...counts }),
    }
  },
}
