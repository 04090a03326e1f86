/**
 * What policies, metrics and traces add to a local call: a direct call, each policy alone, everything on with 1, 64 and 512 operations in turn, beside
 * Moleculer with its equivalents, cockatiel and opossum. All in one process; each call is awaited before the next.
 */
import { defineContract, query } from '@keelson/kernel'
import { breaker, bulkhead, cache, deadline, rateLimit, retry } from '@keelson/resilience'
import { defineService } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import * as cockatiel from 'cockatiel'
import { ServiceBroker } from 'moleculer'
import CircuitBreaker from 'opossum'
import * as z from 'zod'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { type Measurement, measure } from '../../tools/measure.ts'

const Input = z.object({ n: z.number() })
const input = { n: 1 }
const inputs = Array.from({ length: 64 }, (_, n) => ({ n: n + 1 }))
let calls = 0
const next = async (_: unknown): Promise<number> => ++calls
type Call = (input: { n: number }) => Promise<unknown>
type Annotations = Parameters<typeof query>[1][]

const everything = () => [deadline('10s'), retry(), breaker(), bulkhead({ concurrency: 1000 })]

export async function run(): Promise<BenchmarkResult> {
  const closing: (() => Promise<void>)[] = []
  const held = Promise.withResolvers<number>()
  const keelson = async (count: number, annotations: readonly unknown[], isBare = false): Promise<Call[]> => {
    // What may stand on a query is the compiler's business where contracts are written; here lists of it are passed on.
    const given = annotations as Annotations
    const operations = Object.fromEntries(
      ['held', ...Array.from({ length: count }, (_, i) => `next${i}`)].map((name) => [
        name,
        query({ input: Input, output: z.number() }, ...(given as [])),
      ]),
    )
    const names = Object.keys(operations)
    const Numbers = defineContract('numbers', '1.0.0', operations)
    const system = await startForTest({
      services: [
        defineService(Numbers, {
          // One implementation per operation, made from its name.
          start: () =>
            Object.fromEntries(
              names.map((name) => [name, name === 'held' ? () => held.promise : async (_: unknown) => ++calls]),
            ),
        } as never),
      ],
      config: { telemetry: { sampling: 0.01 } },
      instrumented: !isBare,
    })
    closing.push(() => system.close())
    const { service } = system.registry.host('numbers').facade
    // One facade function per operation above.
    const [hold, ...next] = names.map((name) => (service as unknown as Record<string, Call>)[name] as Call)
    // A system at work has calls in flight when garbage is collected. With none, the engine forgets what a call looks like.
    void hold?.(input)
    return next
  }
  const moleculer = async (count: number, options: object): Promise<Call[]> => {
    const broker = new ServiceBroker({ logger: false, ...options })
    const actions = Array.from({ length: count }, (_, i) => [
      `next${i}`,
      { params: { n: 'number' }, handler: async () => ++calls },
    ])
    broker.createService({ name: 'numbers', actions: Object.fromEntries(actions) })
    await broker.start()
    closing.push(() => broker.stop())
    return Array.from({ length: count }, (_, i) => (given) => broker.call(`numbers.next${i}`, given))
  }
  const moleculerFull = {
    metrics: true,
    tracing: { enabled: true, sampling: { rate: 0.01 } },
    circuitBreaker: { enabled: true },
    retryPolicy: { enabled: true },
    requestTimeout: 10_000,
    bulkhead: { enabled: true, concurrency: 1000 },
  }
  const directs = (count: number): Call[] => Array.from({ length: count }, () => async (_: unknown) => ++calls)
  const wrapped = (policy: { execute(work: () => Promise<unknown>): Promise<unknown> }): Call[] => [
    (given) => policy.execute(() => next(given)),
  ]
  const { handleAll } = cockatiel
  const policies = {
    retry: cockatiel.retry(handleAll, { maxAttempts: 2, backoff: new cockatiel.ExponentialBackoff() }),
    breaker: cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 5000, breaker: new cockatiel.ConsecutiveBreaker(5) }),
    bulkhead: cockatiel.bulkhead(1000, 10),
    timeout: cockatiel.timeout(10_000, cockatiel.TimeoutStrategy.Aggressive),
  }
  const opossum = new CircuitBreaker(next as never, { timeout: 10_000 })

  const own = await measure([
    subject('direct, 1 operation', directs(1)),
    subject('direct, 64 operations', directs(64)),
    subject('direct, 512 operations', directs(512)),
    subject('validation', await keelson(1, [], true)),
    subject('validation, metrics, traces', await keelson(1, [])),
    subject('… and deadline', await keelson(1, [deadline('10s')])),
    subject('… and retry', await keelson(1, [retry()])),
    subject('… and breaker', await keelson(1, [breaker()])),
    subject('… and bulkhead', await keelson(1, [bulkhead({ concurrency: 1000 })])),
    subject('… and rate limit', await keelson(1, [rateLimit({ limit: 1_000_000_000 })])),
    subject('… and a cache hit', await keelson(1, [cache({ ttl: '1h' })]), [input]),
    subject('… and a cache hit, 64 inputs', await keelson(1, [cache({ ttl: '1h' })]), inputs),
    subject('everything, 1 operation', await keelson(1, everything())),
    subject('everything, 64 operations', await keelson(64, everything())),
    subject('everything, 512 operations', await keelson(512, everything())),
  ])
  // After ours, not in turn with them: the timers that peers leave behind for each call make every collection of garbage dearer.
  const peers = await measure([
    subject('Moleculer, default', await moleculer(64, {})),
    subject('Moleculer, everything, 64 operations', await moleculer(64, moleculerFull)),
    subject('cockatiel, retry', wrapped(policies.retry)),
    subject('cockatiel, breaker', wrapped(policies.breaker)),
    subject('cockatiel, bulkhead', wrapped(policies.bulkhead)),
    subject('cockatiel, timeout', wrapped(policies.timeout)),
    subject(
      'cockatiel, all four',
      wrapped(cockatiel.wrap(policies.retry, policies.breaker, policies.bulkhead, policies.timeout)),
    ),
    subject('opossum, with its timeout', [(given) => opossum.fire(given)]),
  ])
  const measured = [...own, ...peers]
  held.resolve(0)
  opossum.shutdown()
  for (const close of closing) await close()

  const at = (name: string) => measured.find((one) => one.subject === name) as Measurement
  const over = (name: string, under: string) => at(name).nsPerOperation - at(under).nsPerOperation
  const ratio =
    at('Moleculer, everything, 64 operations').nsPerOperation / at('everything, 64 operations').nsPerOperation
  const metered = 'validation, metrics, traces'
  return {
    rows: measured.flatMap(({ subject: name, nsPerOperation, cpuNsPerOperation }) => [
      { subject: name, metric: 'wall time per call', value: nsPerOperation, unit: 'ns' },
      { subject: name, metric: 'CPU time per call', value: cpuNsPerOperation, unit: 'ns' },
    ]),
    targets: [
      {
        name: 'everything, at least, cheaper than Moleculer',
        value: ratio,
        bound: 15,
        unit: 'x',
        reached: ratio >= 15,
      },
      atMost(
        'everything over a direct call, 64 operations',
        over('everything, 64 operations', 'direct, 64 operations'),
        600,
      ),
      atMost(
        'everything over a direct call, 512 operations',
        over('everything, 512 operations', 'direct, 512 operations'),
        800,
      ),
      atMost('metrics and traces add', over(metered, 'validation'), 120),
      atMost('a deadline adds', over('… and deadline', metered), 200),
      atMost('a cache hit over a direct call', over('… and a cache hit', 'direct, 1 operation'), 300),
    ],
  }
}

function atMost(name: string, value: number, bound: number) {
  return { name, value, bound, unit: 'ns', reached: value <= bound }
}

/** Calls the operations in turn, and counts that each call arrived; a cache answers in the place of all but the first with each of its inputs. */
function subject(name: string, operations: readonly Call[], cached?: readonly (typeof input)[]) {
  const given = cached ?? [input]
  return {
    name,
    run: async (times: number) => {
      const before = calls
      const { length } = operations
      for (let i = 0; i < times; i++) await operations[i % length]?.(given[i % given.length] ?? input)
      const arrived = calls - before
      if (cached ? arrived > cached.length : arrived !== times)
        throw new Error(`${name} was called ${arrived} times instead of ${times}`)
    },
  }
}
