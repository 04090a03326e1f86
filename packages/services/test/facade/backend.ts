/** One service with one query, under whatever policies and implementation a test asks for, on a clock that stands still. */
import { type CallChanges, type CallContext, command, defineContract, query } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import * as z from 'zod'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'

type Annotations = Parameters<typeof query>[1][]
const Input = z.object({ id: z.number().default(0) })
const Output = z.object({ n: z.number() })

/** `fetch` is a query and `save` a command, both with the same policies and implementation. */
export async function startBackend(
  annotations: readonly unknown[],
  implementation: (input: { id: number }, call: CallContext) => { n: number } | Promise<{ n: number }>,
  options: {
    readonly config?: Record<string, unknown>
    readonly random?: () => number
    readonly saves?: readonly unknown[]
  } = {},
) {
  // What stands on which kind of operation is the business of other tests.
  const given = annotations as Annotations
  const saving = (options.saves ?? []) as Parameters<typeof command>[1][]
  const Backend = defineContract('backend', '1.0.0', {
    fetch: query({ input: Input, output: Output }, ...(given as [])),
    save: command({ input: Input, output: Output }, ...(saving as [])),
  })
  const clock = createFakeClock()
  const system = await startForTest({
    services: [defineService(Backend, { start: () => ({ fetch: implementation, save: implementation }) })],
    clock,
    random: options.random ?? (() => 0.5),
    ...(options.config && { config: options.config as never }),
  })
  const host = system.registry.host('backend')
  return {
    system,
    clock,
    host,
    fetch: (id = 0, call?: CallChanges) => system.get(Backend).fetch({ id }, call),
    save: (id = 0, call?: CallChanges) => system.get(Backend).save({ id }, call),
    state: () => host.policyState('fetch'),
    [Symbol.asyncDispose]: async () => {
      // Implementations that hang on purpose are cut off.
      await system.close(AbortSignal.abort()).catch(() => {})
    },
  }
}

/** Settles a promise into something to compare: its value, or the code it was rejected with. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

/** An answer that a test gives when it likes. */
export function later<T>() {
  return Promise.withResolvers<T>()
}
