/**
 * What a local call costs: a direct async call, the same through a facade (bare, then counted and timed as in a started system, then with
 * a validated input), and Moleculer's `broker.call` with and without its validator and metrics. All in one process, in turn.
 */
import { defineContract, query } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { ServiceBroker } from 'moleculer'
import * as z from 'zod'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { measure } from '../../tools/measure.ts'

const Bare = defineContract('bare', '1.0.0', { next: query({}) })
const Validated = defineContract('validated', '1.0.0', { next: query({ input: z.object({ n: z.number() }) }) })

let calls = 0
const next = async (): Promise<void> => {
  calls++
}
const bare = defineService(Bare, { start: () => ({ next }) })
const validated = defineService(Validated, { start: () => ({ next }) })

export async function run(): Promise<BenchmarkResult> {
  await using uninstrumented = await startForTest({ services: [bare], instrumented: false })
  await using started = await startForTest({ services: [bare, validated] })
  const plainBroker = await startBroker({})
  const meteredBroker = await startBroker({ metrics: true })
  const bareNext = uninstrumented.get(Bare).next
  const countedNext = started.get(Bare).next
  const validatedNext = started.get(Validated).next
  const input = { n: 1 }

  const measured = await measure([
    subject('direct async call', () => next()),
    subject('Keelson, bare', () => bareNext()),
    subject('Keelson, counted and timed', () => countedNext()),
    subject('Keelson, counted, timed and validated (zod)', () => validatedNext(input)),
    subject('Moleculer, default', () => plainBroker.call('numbers.next', input)),
    subject('Moleculer, metrics', () => meteredBroker.call('numbers.next', input)),
  ])
  await plainBroker.stop()
  await meteredBroker.stop()

  const direct = measured[0]?.nsPerOperation ?? Number.NaN
  const ratio = (measured[1]?.nsPerOperation ?? Number.NaN) / direct
  return {
    rows: measured.flatMap(({ subject, nsPerOperation }) => [
      { subject, metric: 'wall time per call', value: nsPerOperation, unit: 'ns' },
      { subject, metric: 'of a direct call', value: nsPerOperation / direct, unit: 'x' },
    ]),
    targets: [
      { name: 'bare facade, at most, of a direct call', value: ratio, bound: 2, unit: 'x', reached: ratio <= 2 },
    ],
  }
}

function subject(name: string, call: () => Promise<unknown>) {
  return {
    name,
    run: async (operations: number) => {
      const before = calls
      for (let i = 0; i < operations; i++) await call()
      if (calls - before !== operations)
        throw new Error(`${name} was called ${calls - before} times instead of ${operations}`)
    },
  }
}

async function startBroker(options: object): Promise<ServiceBroker> {
  const broker = new ServiceBroker({ logger: false, ...options })
  broker.createService({ name: 'numbers', actions: { next: { params: { n: 'number' }, handler: next } } })
  await broker.start()
  return broker
}
