/**
 * Feature flags, as the code that asks sees them: one synchronous question, so that it can be asked in the middle of a call. Whoever keeps
 * flags elsewhere answers from what it last heard.
 */
import { definePort } from '../port.ts'

/** Whom the question is about; the identity of a call is one. */
export interface FlagTarget {
  readonly subject?: string | undefined
  readonly tenant?: string | undefined
}

/**
 * Promises: `isEnabled` never throws and never waits; a flag nobody has set is off; the same flag and target give the same answer until the
 * flag changes, in every process.
 */
export interface FlagEvaluator {
  /** @param target flags may be on for some only. */
  isEnabled(flag: string, target?: FlagTarget): boolean
}

export const Flags = definePort<FlagEvaluator>('flags')
