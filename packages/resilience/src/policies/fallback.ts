/** Another answer for a call that failed. */
import * as z from 'zod'
import { type AnsweringAnnotation, annotateCode } from '../annotation.ts'
import { answering, type Policy } from '../policy.ts'

/** Answers in place of a call that failed for a reason that is not the caller's. What it throws is the call's failure. */
export function fallback<Input, Output>(
  instead: (input: Input, error: unknown) => Output | Promise<Output>,
): AnsweringAnnotation<Input, Output> {
  return annotateCode('fallback', instead)
}

export interface FallbackPart {
  readonly instead: (input: unknown, error: unknown) => unknown
  readonly counts: { answered: number }
}

export const fallbackPolicy: Policy<never, object, FallbackPart, { readonly answered: number }> = {
  schema: z.never(),
  defaults: {},
  side: 'caller',
  kinds: answering,
  isCode: true,
  metrics: [
    {
      kind: 'counter',
      name: 'keelson_fallback_total',
      help: 'Answers of a fallback',
      read: ({ answered }) => answered,
    },
  ],
  attach({ code }) {
    const counts = { answered: 0 }
    // Only the annotation above writes it, and checked its types against the operation.
    const instead = code.at(-1) as FallbackPart['instead']
    return { configure: (given) => given && { instead, counts }, state: () => ({ ...counts }) }
  },
}
