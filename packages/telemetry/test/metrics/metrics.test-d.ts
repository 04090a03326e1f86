import { expectTypeOf, test } from 'vitest'
import { type CounterCell, createMetrics, type GaugeCell } from '../../src/index.ts'

test('createMetrics() knows the labels of each metric', () => {
  const metrics = createMetrics()
  const calls = metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['service', 'operation'] })
  expectTypeOf(calls.cell).parameters.toEqualTypeOf<[labels: Readonly<Record<'service' | 'operation', string>>]>()
  expectTypeOf(calls.cell({ service: 'a', operation: 'b' })).toEqualTypeOf<CounterCell>()
  // @ts-expect-error a label is missing
  calls.cell({ service: 'a' })
  // @ts-expect-error a label too many
  calls.cell({ service: 'a', operation: 'b', extra: 'c' })

  const jobs = metrics.gauge({ name: 'jobs', help: 'Jobs' })
  expectTypeOf(jobs.cell()).toEqualTypeOf<GaugeCell>()
  // @ts-expect-error it has no labels
  jobs.cell({ queue: 'a' })
})
