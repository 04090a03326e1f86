/** Turns what PGlite throws into a refusal that may be shown and logged. */
import { shownReason } from '@keelson/kernel'
import type { Refusal, WireValue } from './worker-messages.ts'

/** Thrown by the worker itself, for what PostgreSQL would let pass. */
export class RefusedError extends Error {
  readonly refusal: Refusal

  constructor(sqlState: string, reason: string) {
    super(reason)
    this.refusal = { sqlState, reason }
  }
}

/** The refusal of a statement; undefined when `error` is not PostgreSQL's answer, so that the engine itself is in doubt. */
export function refusalOf(error: unknown, parameters: readonly WireValue[]): Refusal | undefined {
  if (error instanceof RefusedError) return error.refusal
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return { sqlState: error.code, reason: shownReason(error.message, error.code, parameters) }
}
