/** One try of a step: in a call of its own with the step's key, within its time, and until its workflow is cancelled. */
import { backoffMs, beginCall, CallKey, type Clock, createCall, isError, runInCall, withinTime } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { StepCall, StepOptions } from './workflow.ts'

export interface Attempt {
  /** Of the step in its instance. */
  readonly step: string
  /** The same for each try, of no other step of any instance. */
  readonly key: string
  /** 1 for the first. */
  readonly attempt: number
  readonly correlationId: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly clock: Clock
}

const mostMs = 3_600_000
const defaults = { attempts: 5, backoffMs: 1_000, timeoutMs: 60_000 } as const

/** Options with what is left out filled in. */
export function stepOptions(given: StepOptions): Required<StepOptions> {
  return { ...defaults, ...given }
}

/** Rejects as `work` does, with WORKFLOW_STEP_TIMED_OUT, or with the reason of the signal. */
export function attemptStep<T>(
  work: (call: StepCall) => Promise<T> | T,
  { step, key, attempt, correlationId, timeoutMs, signal, clock }: Attempt,
): Promise<T> {
  return withinTime(
    (within) => {
      const call = beginCall(createCall({ correlationId, key: CallKey.from(key), signal: within }))
      return runInCall(call, () => work({ key, attempt, signal: within }))
    },
    { timeoutMs, clock, signal, timedOut: () => eventsErrors.WORKFLOW_STEP_TIMED_OUT({ step, timeoutMs }) },
  )
}

/** When a step that has failed is tried again; null when it is not. */
export function retryAt(
  error: unknown,
  attempt: number,
  { attempts, backoffMs: firstMs }: Required<StepOptions>,
  now: number,
): number | null {
  const isHopeless = isError(error) && !error.retryable && error.code !== 'DATABASE_OUTCOME_UNKNOWN'
  return attempt >= attempts || isHopeless ? null : now + backoffMs({ firstMs, mostMs }, attempt)
}

/** Rejects with the signal's reason when that comes first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
