import { type CallContext, createCall, currentCall, defineContract, query } from '@keelson/kernel'
import { deadline, retry } from '@keelson/resilience'
import { createMetrics, createTelemetry, openMetricsText, Tracer } from '@keelson/telemetry'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { Registry } from '../../src/registry/registry.ts'
import { defineService } from '../../src/service/service.ts'
import { outcome } from './backend.ts'
import { busy } from './busy.ts'

const Inner = defineContract('inner', '1.0.0', { ask: query({ output: z.string() }) })
const Outer = defineContract('outer', '1.0.0', {
  plain: query({ output: z.string() }),
  policed: query({ output: z.string() }, deadline('1m'), retry({ initial: 1 })),
  fail: query({}),
  tracked: query({ output: z.array(z.string()) }, deadline('1m')),
})

async function start(share: number) {
  const tracer = new Tracer({ share })
  const metrics = createMetrics()
  const registry = new Registry({ tracer, metrics })
  const seen: CallContext[] = []
  registry.register(defineService(Inner, { start: () => ({ ask: () => currentCall().trace?.traceId ?? 'none' }) }))
  registry.register(
    defineService(Outer, {
      uses: { inner: Inner },
      start: ({ inner }) => {
        const ask = async (_: unknown, call: CallContext) => {
          seen.push(call)
          await Promise.resolve()
          return await inner.ask()
        }
        const { track } = createTelemetry({ metrics, tracer })
        const tracked = () =>
          track('inside', () => {
            const { origin, signal, deadlineAt } = currentCall()
            return [origin.correlationId, String(signal.aborted), String(deadlineAt !== undefined)]
          })
        return { tracked, plain: ask, policed: ask, fail: () => Promise.reject(busy()) }
      },
    }),
  )
  await registry.start()
  return { tracer, metrics, seen, outer: registry.resolve(Outer) }
}

it.each(['plain', 'policed'] as const)('a recorded call is a span, and so is each call it makes: %s', async (name) => {
  const { tracer, metrics, seen, outer } = await start(1)
  const traceId = await outer[name]()
  expect(seen[0]?.trace?.traceId).toBe(traceId)
  const spans = tracer.traces.get(traceId)?.map((span) => span) ?? []
  expect(spans.map((span) => span.name).toSorted()).toEqual(['inner.ask', `outer.${name}`])
  const outerSpan = spans.find((span) => span.name === `outer.${name}`)
  expect(spans.find((span) => span.name === 'inner.ask')?.parentSpanId).toBe(outerSpan?.spanId)
  // From a slow bucket of the operation's histogram one finds a trace that fell into it.
  expect(openMetricsText(metrics)).toContain(traceId)
})

it('what is tracked inside a call is still that call', async () => {
  const { outer } = await start(1)
  const call = createCall({ correlationId: 'given' })
  expect(await outer.tracked(undefined, call)).toEqual(['given', 'false', 'true'])
})

it('a call that is not recorded has no span, unless it fails', async () => {
  const { tracer, outer } = await start(0)
  expect(await outer.plain()).toBe('none')
  expect(await outer.policed()).toBe('none')
  expect(tracer.counts).toMatchObject({ ended: 0, late: 0 })
  expect(await outcome(outer.fail())).toBe('BUSY')
  expect(tracer.counts).toMatchObject({ late: 1 })
})
