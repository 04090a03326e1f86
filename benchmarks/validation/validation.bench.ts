/**
 * What validating the input of a local call costs: the same operation without a schema, and with one of zod, valibot and arktype that say
 * the same. Calls are not counted or timed, so that the difference is the validator's alone.
 */
import { command, defineContract, type Schema } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import * as z from 'zod'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { measure } from '../../tools/measure.ts'

interface Order {
  readonly id: string
  readonly quantity: number
  readonly tags: readonly string[]
}

const schemas: Readonly<Record<string, Schema<Order, Order>>> = {
  zod: z.object({ id: z.string(), quantity: z.number(), tags: z.array(z.string()) }),
  valibot: toStandardJsonSchema(v.object({ id: v.string(), quantity: v.number(), tags: v.array(v.string()) })),
  arktype: type({ id: 'string', quantity: 'number', tags: 'string[]' }),
}

export async function run(): Promise<BenchmarkResult> {
  const order: Order = { id: 'a', quantity: 1, tags: ['x', 'y'] }
  const Plain = defineContract('plain', '1.0.0', { place: command({}) })
  await using system = await startForTest({
    services: [defineService(Plain, { start: () => ({ place: async () => {} }) })],
    instrumented: false,
  })
  const plain = system.get(Plain).place
  const subjects = [subject('none', () => plain())]
  for (const [name, input] of Object.entries(schemas)) {
    const Validated = defineContract('validated', '1.0.0', { place: command({ input }) })
    const validated = await startForTest({
      services: [defineService(Validated, { start: () => ({ place: async () => {} }) })],
      instrumented: false,
    })
    const { place } = validated.get(Validated)
    subjects.push(subject(name, () => place(order)))
  }
  const measured = await measure(subjects)
  const none = measured[0]?.nsPerOperation ?? Number.NaN
  return {
    rows: measured.flatMap(({ subject, nsPerOperation }) => [
      { subject, metric: 'wall time per call', value: nsPerOperation, unit: 'ns' },
      { subject, metric: 'added', value: nsPerOperation - none, unit: 'ns' },
    ]),
    targets: [],
  }
}

function subject(name: string, call: () => Promise<unknown>) {
  return {
    name,
    run: async (operations: number) => {
      for (let i = 0; i < operations; i++) await call()
    },
  }
}
