/**
 * The system that the soak of calls drives: a ledger that may answer at once, late, wrongly or never, and a shop
 * that calls it. The ledger keeps a record of its effects, which the soak compares with what callers were told.
 */
import { type CallContext, command, defineContract, defineErrors, query, subscription } from '@keelson/kernel'
import type { FakeClock } from '@keelson/kernel/testing'
import { breaker, bulkhead, cache, deadline, hedge, idempotent, invalidates, keyed, retry } from '@keelson/resilience'
import { defineService } from '@keelson/services'
import * as z from 'zod'

const Account = z.object({ account: z.int() })
const Payment = z.object({ account: z.int(), amount: z.int() })
const Reading = z.object({ account: z.int(), version: z.int(), reader: z.string() })
const Receipt = z.object({ account: z.int(), version: z.int() })
const Order = z.object({ lines: z.array(Payment) })

const tagsOf = ({ account }: { readonly account: number }) => [`account:${account}`]

/** Whatever an implementation does, a call of the ledger or the shop ends within this time. */
export const deadlineMs = 2_000
export const bulkheadPlaces = 8

export const Ledger = defineContract('ledger', '1.0.0', {
  read: query(
    { input: Account, output: Reading },
    deadline('2s'),
    cache({ ttl: '1s', grace: '1s', refreshAhead: 0.5, tags: tagsOf }),
    retry(),
    breaker({ openFor: '500ms' }),
  ),
  look: query(
    { input: Account, output: Reading },
    deadline('2s'),
    bulkhead({ concurrency: bulkheadPlaces, queue: 6 }),
    retry(),
    hedge({ percentile: 0.7, budget: 0.5 }),
    breaker({ openFor: '500ms' }),
  ),
  /** May run twice: its effect is to raise the version, which readers then see. */
  write: command({ input: Account, output: Receipt }, deadline('2s'), idempotent(), retry(), invalidates(tagsOf)),
  /** Must never run twice for one call. */
  note: command({ input: Account, output: Receipt }, deadline('2s'), retry()),
  /** Takes effect once for each key. */
  pay: command({ input: Payment, output: Receipt }, deadline('2s'), keyed(), retry()),
  watch: subscription({ input: Account, output: Reading }),
})

export const Shop = defineContract('shop', '1.0.0', {
  /** Pays each line, one after the other, with keys that come from its own. */
  order: command({ input: Order, output: z.object({ receipts: z.array(Receipt) }) }, deadline('2s'), keyed(), retry()),
})

const soakErrors = defineErrors({
  LEDGER_BUSY: { kind: 'unavailable', retryable: true, when: 'In the soak.', message: (_: object) => 'Busy' },
  LEDGER_REFUSED: { kind: 'invalid', when: 'In the soak.', message: (_: object) => 'Refused' },
})

/** Effects of the ledger, as they happened. */
export class LedgerRecord {
  readonly #versions = new Map<number, number>()
  /** How often each unsafe command took effect, by the correlation id of its call. */
  readonly notes = new Map<string, number>()
  /** How often each payment took effect, by the reader and the key it came with. */
  readonly payments = new Map<string, number>()
  /** Implementations that will never end. */
  hanging = 0
  /** Most calls fail for now. */
  isIll = false

  version(account: number): number {
    return this.#versions.get(account) ?? 0
  }

  raise(account: number): number {
    const version = this.version(account) + 1
    this.#versions.set(account, version)
    return version
  }
}

export function soakServices(record: LedgerRecord, clock: FakeClock, random: () => number) {
  const behave = behaviour(record, clock, random)
  const reading = (account: number, call: CallContext) => ({
    account,
    version: record.version(account),
    reader: readerOf(call),
  })
  const ledger = defineService(Ledger, {
    start: () => ({
      read: ({ account }, call) => behave(call, () => reading(account, call)),
      look: ({ account }, call) => behave(call, () => reading(account, call)),
      write: ({ account }, call) => behave(call, () => ({ account, version: record.raise(account) })),
      note: ({ account }, call) =>
        behave(call, () => {
          count(record.notes, call.origin.correlationId)
          return { account, version: record.raise(account) }
        }),
      pay: ({ account }, call) =>
        behave(call, () => {
          count(record.payments, `${readerOf(call)} ${call.key?.text}`)
          return { account, version: record.raise(account) }
        }),
      async *watch({ account }, call) {
        for (;;) {
          yield reading(account, call)
          await clock.sleep(random() * 200, call.signal)
        }
      },
    }),
  })
  const shop = defineService(Shop, {
    uses: { ledger: Ledger },
    start: ({ ledger: payments }) => ({
      order: async ({ lines }) => {
        const receipts = []
        for (const line of lines) receipts.push(await payments.pay(line))
        return { receipts }
      },
    }),
  })
  return [ledger, shop]
}

export const readerOf = (call: CallContext): string => call.origin.identity.subject ?? 'nobody'

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Answers, fails or hangs as it is drawn; the effect happens only where an answer follows it. */
function behaviour(record: LedgerRecord, clock: FakeClock, random: () => number) {
  return <T>(call: CallContext, effect: () => T): T | Promise<T> => {
    const drawn = random()
    if (record.isIll && drawn > 0.1) throw soakErrors.LEDGER_BUSY({})
    if (drawn < 0.25) return effect()
    if (drawn < 0.4) return thenable(effect)
    if (drawn < 0.5) throw soakErrors.LEDGER_BUSY({})
    return behaveLater(drawn, call, effect)
  }

  async function behaveLater<T>(drawn: number, call: CallContext, effect: () => T): Promise<T> {
    if (drawn < 0.7) await clock.sleep(random() * 100)
    else if (drawn < 0.8) await clock.sleep(random() * 3_000, call.signal)
    else if (drawn < 0.85) await clock.sleep(random() * 3_000)
    else if (drawn < 0.9) throw soakErrors.LEDGER_BUSY({})
    else if (drawn < 0.95) throw soakErrors.LEDGER_REFUSED({})
    else if (drawn < 0.96) {
      record.hanging++
      await new Promise(() => {})
    }
    return effect()
  }
}

/** A promise that is none of the language's own, as query builders return. */
function thenable<T>(effect: () => T): Promise<T> {
  const one = {
    // biome-ignore lint/suspicious/noThenProperty: what is tested is that anything with `then` is waited for.
    then(resolve: (value: T) => unknown, reject: (error: unknown) => unknown) {
      queueMicrotask(() => {
        try {
          resolve(effect())
        } catch (error) {
          reject(error)
        }
      })
    },
  }
  // It stands for a promise of another library: callers may only await it.
  return one as unknown as Promise<T>
}
