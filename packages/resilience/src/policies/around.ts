/** A policy of one's own. */
import type { CallContext } from '@keelson/kernel'
import { type AnsweringAnnotation, annotateCode } from '../annotation.ts'
import { answering, type Policy } from '../policy.ts'

/** Runs around each try of an operation: calls `next` once, or does without. It may be called concurrently. */
export type Around<Input = never, Output = unknown> = (
  input: Input,
  call: CallContext,
  next: () => Promise<Output>,
) => Promise<Output>

/** A policy of one's own, around each try and inside breaker and bulkhead; the first named is the outermost. */
export function around<Input, Output>(policy: Around<Input, Output>): AnsweringAnnotation<Input, Output> {
  return annotateCode('around', policy)
}

export type AroundPart = (input: unknown, call: CallContext, invoke: () => Promise<unknown>) => unknown

export const aroundPolicy: Policy<never, object, AroundPart, Readonly<Record<never, number>>> = {
  schema: undefined,
  defaults: {},
  side: 'callee',
  kinds: answering,
  isCode: true,
  metrics: [],
  attach: ({ code }) => ({
    // Only the annotation above writes them, and checked their types against the operation.
    configure: (given) => given && composed(code as readonly Around<unknown>[]),
    state: () => ({}),
  }),
}

function composed(policies: readonly Around<unknown>[]): AroundPart {
  return (input, call, invoke) =>
    policies.reduceRight<() => Promise<unknown>>((next, policy) => async () => policy(input, call, next), invoke)()
}
