/** Opens an operation to those for whom a feature flag is on. */
import type { Annotation, CallContext, FlagEvaluator, OperationKind, OperationShape } from '@keelson/kernel'
import * as z from 'zod'
import { annotate } from '../annotation.ts'
import { resilienceErrors } from '../errors.ts'
import { answering, type Policy } from '../policy.ts'

const schema = z.string().min(1)

/** Refuses calls with OPERATION_DISABLED where the flag is off. */
export function flag(name: string): Annotation<OperationShape<OperationKind, unknown, unknown>> {
  return annotate('flag', schema, name)
}

export class FlagGate {
  readonly #operation: string
  readonly #flag: string
  readonly #flags: () => FlagEvaluator | undefined

  constructor(operation: string, name: string, flags: () => FlagEvaluator | undefined) {
    this.#operation = operation
    this.#flag = name
    this.#flags = flags
  }

  /** Throws OPERATION_DISABLED where the flag is off for the call's subject and tenant. */
  check({ origin }: Pick<CallContext, 'origin'>): void {
    if (!this.#flags()?.isEnabled(this.#flag, origin.identity))
      throw resilienceErrors.OPERATION_DISABLED({ operation: this.#operation, flag: this.#flag })
  }
}

export const flagPolicy: Policy<string, string, FlagGate, Readonly<Record<never, number>>> = {
  schema,
  defaults: {},
  side: 'callee',
  kinds: [...answering, 'subscription'],
  isCode: false,
  metrics: [],
  attach: ({ name, platform }) => ({
    configure: (given) => (given === undefined ? undefined : new FlagGate(name, given, platform.flags)),
    state: () => ({}),
  }),
}
