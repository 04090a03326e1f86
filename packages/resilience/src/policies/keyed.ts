/**
 * Commands that take effect once for each idempotency key. The first call under a key runs; while it runs, others are told so; from then on
 * each is given its answer, or the error that it ended with where that was an answer too.
 */
import { hash } from 'node:crypto'
import {
  type Annotation,
  type CallContext,
  type CallKey,
  type Clock,
  currentCall,
  errorFromData,
  errorToData,
  isError,
  type OperationShape,
  type Queryable,
} from '@keelson/kernel'
import type * as z from 'zod'
import { annotate } from '../annotation.ts'
import { DurationSetting, parseMs } from '../duration.ts'
import { resilienceErrors } from '../errors.ts'
import { isFailure } from '../failure.ts'
import type { Claimed, IdempotencyStore, KeyedRun } from '../idempotency/idempotency-store.ts'
import { type Policy, type PolicySubject, type SettingsOf, settingsOf } from '../policy.ts'
import { identityOf } from './identity.ts'
import { patiently } from './store-patience.ts'
import { Untellable, valueText } from './value-text.ts'

const settings = settingsOf(
  { keep: DurationSetting.describe('How long an answer is kept for repeats') },
  { keep: '24h' },
)
type KeyedSettings = SettingsOf<typeof settings>

/** A larger answer is not kept: a repeat is told that the command took effect. */
const mostBytes = 1024 * 1024

/**
 * A call with an idempotency key takes effect once, however often it comes: repeats are given the first answer. Rejects with
 * CALL_IN_PROGRESS while the first still runs, with IDEMPOTENCY_KEY_REUSED for another input under the same key, and with
 * IDEMPOTENCY_STORE_UNREACHABLE where nobody can say whether it ran before. Failures that may pass are not kept: the next call runs. Calls
 * without a key run as ever. Keys are told apart by tenant and subject.
 *
 * @example
 * charge: command({ input: Charge, output: Receipt }, http('POST /v1/charges'), keyed(), retry())
 */
export function keyed(
  given: z.infer<typeof settings.schema> = {},
): Annotation<OperationShape<'command', unknown, unknown>> {
  return annotate('keyed', settings.schema, given)
}

/** How a call under a key goes on: it runs the command, or has been answered. */
export type KeyedCall = { readonly run: CallRun } | { readonly answer: unknown } | { readonly error: unknown }

export class KeyGate {
  readonly #operation: string
  readonly #keepMs: number
  readonly #store: IdempotencyStore
  readonly #clock: Clock
  readonly counts: { repeats: number }

  constructor({ keep }: KeyedSettings, { name, platform }: PolicySubject, counts: { repeats: number }) {
    this.#operation = name
    this.#keepMs = parseMs(keep)
    this.#store = platform.idempotency
    this.#clock = platform.clock
    this.counts = counts
  }

  /** Never rejects. */
  async claim(call: CallContext, key: CallKey, input: unknown): Promise<KeyedCall> {
    const operation = this.#operation
    try {
      const command = { identity: identityOf(call), operation, key: key.text }
      const fingerprint = fingerprintOf(operation, key.text, input)
      const claimed = await this.#claimed({ ...command, fingerprint, keepMs: this.#keepMs })
      if (claimed.state === 'new') return { run: new CallRun(claimed.run, this.#clock) }
      if (claimed.state === 'running')
        return { error: resilienceErrors.CALL_IN_PROGRESS({ operation, retryAfterMs: claimed.retryAfterMs }) }
      if (claimed.state === 'reused') return { error: resilienceErrors.IDEMPOTENCY_KEY_REUSED({ operation }) }
      this.counts.repeats++
      return keptOutcome(operation, claimed.outcome)
    } catch (error) {
      return { error }
    }
  }

  async #claimed(claim: Parameters<IdempotencyStore['claim']>[0]): Promise<Claimed> {
    let claiming: Promise<Claimed> | undefined
    try {
      claiming = this.#store.claim(claim)
      return await patiently(claiming, this.#clock)
    } catch (cause) {
      // A claim that comes true after all is nobody's.
      claiming?.then((late) => (late.state === 'new' ? late.run.release() : undefined)).catch(() => {})
      throw resilienceErrors.IDEMPOTENCY_STORE_UNREACHABLE({ operation: this.#operation }, { cause })
    }
  }
}

/** The run of a command under its key, from the claim until its outcome is kept. */
export class CallRun {
  readonly #run: KeyedRun
  readonly #clock: Clock

  constructor(run: KeyedRun, clock: Clock) {
    this.#run = run
    this.#clock = clock
  }

  /** Makes the run known to `keepAnswer` in calls that have this key. */
  begin(key: CallKey, strip: (output: unknown) => Promise<unknown>): void {
    runs.set(key, (answer, transaction) => this.#answered(answer, strip, transaction))
  }

  /** Keeps an answer, or what is known of it. Never rejects: the command took effect, whether that can be kept or not. */
  async answered(answer: unknown, strip: (output: unknown) => Promise<unknown>): Promise<void> {
    await patiently(this.#answered(answer, strip, undefined), this.#clock).catch(() => {})
  }

  /** Keeps an error that would be the same the next time; lets the key go after any other. Never rejects. */
  async failed(error: unknown): Promise<void> {
    const isAnswer = isError(error) && !error.retryable && !isFailure(error) && error.kind !== 'cancelled'
    const ended = isAnswer ? this.#run.finish(JSON.stringify({ error: errorToData(error) })) : this.#run.release()
    await patiently(ended, this.#clock).catch(() => {})
  }

  async #answered(
    answer: unknown,
    strip: (output: unknown) => Promise<unknown>,
    transaction: Queryable | undefined,
  ): Promise<void> {
    const outcome = JSON.stringify({ answer: await strip(answer) })
    const bytes = Buffer.byteLength(outcome)
    await this.#run.finish(bytes > mostBytes ? JSON.stringify({ lost: bytes }) : outcome, transaction)
  }
}

type KeepAnswer = (answer: unknown, transaction: Queryable) => Promise<void>
const runs = new WeakMap<CallKey, KeepAnswer>()

/**
 * Keeps the answer of the running `keyed()` command in the transaction of its effect, so that both happen or neither does: a program that
 * is killed right after the commit has not forgotten the key. For a store of keys on the same database; with any other, and in calls
 * without a key, it does nothing, and the answer is kept once the command has given it. Rejects as the transaction's statements do.
 *
 * @example
 * await database.transaction(async (transaction) => {
 *   await transaction.query('insert into charges …')
 *   await keepAnswer(transaction, receipt)
 * })
 */
export async function keepAnswer(transaction: Queryable, answer: unknown): Promise<void> {
  const { key } = currentCall()
  const keep = key && runs.get(key)
  await keep?.(answer, transaction)
}

/** With the key in it nobody finds an input by trying. Throws IDEMPOTENCY_INPUT_UNUSABLE. */
function fingerprintOf(operation: string, key: string, input: unknown): string {
  try {
    return hash('sha256', JSON.stringify([key, valueText(input)]), 'base64url')
  } catch (error) {
    if (!(error instanceof Untellable)) throw error
    throw resilienceErrors.IDEMPOTENCY_INPUT_UNUSABLE({ operation, path: error.path, found: error.message })
  }
}

function keptOutcome(operation: string, outcome: string): KeyedCall {
  // Only `CallRun` writes outcomes.
  const { answer, error, lost } = JSON.parse(outcome) as { answer?: unknown; error?: unknown; lost?: number }
  if (lost !== undefined) return { error: resilienceErrors.IDEMPOTENCY_ANSWER_LOST({ operation, bytes: lost }) }
  return error === undefined ? { answer } : { error: errorFromData(error) ?? new Error('an error that cannot be read') }
}

export const keyedPolicy: Policy<
  z.infer<typeof settings.schema>,
  KeyedSettings,
  KeyGate,
  { readonly repeats: number }
> = {
  ...settings,
  side: 'callee',
  kinds: ['command'],
  isCode: false,
  metrics: [
    {
      kind: 'counter',
      name: 'keelson_idempotent_repeats_total',
      help: 'Calls answered with what the first under their key was answered',
      read: ({ repeats }) => repeats,
    },
  ],
  attach(subject) {
    const counts = { repeats: 0 }
    return {
      configure: (given) => given && new KeyGate(given, subject, counts),
      state: () => ({ ...counts }),
    }
  },
}
