/** Commands that change what is kept: their answers make kept answers stale. */
import type { Annotation, OperationShape } from '@keelson/kernel'
import { annotateCode } from '../annotation.ts'
import type { Policy } from '../policy.ts'

/** After each success, answers kept under these tags are made anew, also for the caller's next call. */
export function invalidates<Input, Output>(
  tags: (input: Input, output: Output) => readonly string[],
): Annotation<OperationShape<'command', Input, Output>> {
  return annotateCode('invalidates', tags)
}

export type InvalidatesPart = (input: unknown, output: unknown) => readonly string[]

export const invalidatesPolicy: Policy<never, object, InvalidatesPart, Readonly<Record<never, number>>> = {
  schema: undefined,
  defaults: {},
  side: 'callee',
  kinds: ['command'],
  isCode: true,
  metrics: [],
  attach: ({ code }) => ({
    // Only the annotation above writes it, and checked its types against the operation.
    configure: (given) => given && (code.at(-1) as InvalidatesPart),
    state: () => ({}),
  }),
}
