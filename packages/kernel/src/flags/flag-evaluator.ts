/**
 * Feature flags, as the code that asks sees them: one synchronous question, so that it can be asked in the middle of a call. Whoever keeps
 * flags elsewhere answers from what it last heard.
 */
import { definePort } from '../port.ts'

/**
 * Promises: `isEnabled` never throws and never waits; a flag nobody has set is off; the same flag and subject give the same answer until the
 * flag changes, in every process.
 */
export interface FlagEvaluator {
  /** @param subject whom the question is about (a user, a tenant): flags may be on for some only. */
  isEnabled(flag: string, subject?: string): boolean
}

export const Flags = definePort<FlagEvaluator>('flags')
