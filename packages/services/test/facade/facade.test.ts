import { createCall, currentCall, defineContract, query, runInCall } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { Greeter, greeter } from '../greeter.ts'

describe('a facade', () => {
  it('calls operations with the parsed input', async () => {
    await using system = await startForTest({ services: [greeter] })
    expect(await system.get(Greeter).greet({ name: 'Ann' })).toMatchObject({ text: 'Hello, Ann' })
    expect(await system.get(Greeter).service.greet({ name: 'Ann', times: 2 })).toMatchObject({
      text: 'Hello, Ann Hello, Ann',
    })
  })

  it('refuses input that does not fit, with every problem and its path', async () => {
    await using system = await startForTest({ services: [greeter] })
    // @ts-expect-error the compiler refuses it too
    const call = system.get(Greeter).greet({ name: '', times: 'two' })
    await expect(call).rejects.toMatchObject({
      code: 'OPERATION_INPUT_INVALID',
      details: { operation: 'greeter.greet', problems: [{ path: 'name' }, { path: 'times' }] },
    })
  })

  it('says name, status, health and metrics of its service', async () => {
    const system = await startForTest({ services: [greeter] })
    const facade = system.get(Greeter)
    await facade.greet({ name: 'Ann' })
    await facade.fail({ how: 'plain' }).catch(() => {})
    expect([facade.name, facade.status]).toEqual(['greeter', 'running'])
    expect(await facade.health()).toEqual({ status: 'ok', checks: {} })
    expect(facade.metrics()).toMatchObject({
      greet: { calls: 1, failures: 0 },
      fail: { calls: 1, failures: 1 },
      ping: { calls: 0 },
    })
    await system.close()
    expect(facade.status).toBe('closed')
    expect(await facade.health()).toMatchObject({ status: 'failed' })
  })

  it('refuses calls by name before its service runs and after it was closed, and can be initialized again', async () => {
    const system = await startForTest({ services: [greeter] })
    const facade = system.get(Greeter)
    await facade.cleanup()
    await facade.cleanup()
    await expect(facade.greet({ name: 'Ann' })).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING', retryable: true })
    await facade.initialize()
    await facade.initialize()
    expect(await facade.greet({ name: 'Ann' })).toMatchObject({ text: 'Hello, Ann' })
    await system.close()
  })

  it('rejects, and never throws, when the implementation throws at once', async () => {
    await using system = await startForTest({ services: [greeter] })
    const call = system.get(Greeter).fail({ how: 'string' })
    await expect(call).rejects.toBe('not even an error')
  })

  it('streams the items of a subscription and ends it when the caller leaves', async () => {
    let ended = false
    const Ticks = defineContract('ticks', '1.0.0', { ping: query({}) })
    const ticks = defineService(Ticks, { start: () => ({ ping: () => {} }) })
    await using system = await startForTest({ services: [greeter, ticks] })
    const seen: number[] = []
    for await (const { n } of system.get(Greeter).count({ to: 100 })) {
      seen.push(n)
      if (n === 3) break
      ended = true
    }
    expect([seen, ended]).toEqual([[1, 2, 3], true])
    expect(system.get(Greeter).metrics()['count']).toEqual({ calls: 1, failures: 0 })
  })

  it('rejects a subscription with bad input at its first item', async () => {
    await using system = await startForTest({ services: [greeter] })
    const items = system.get(Greeter).count({ to: 1.5 })[Symbol.asyncIterator]()
    await expect(items.next()).rejects.toMatchObject({ code: 'OPERATION_INPUT_INVALID' })
  })

  it('hands the current call to the implementation, and an explicit one wins', async () => {
    const seen: string[] = []
    const Inner = defineContract('inner', '1.0.0', { look: query({}) })
    const Outer = defineContract('outer', '1.0.0', { look: query({}) })
    const inner = defineService(Inner, {
      start: () => ({ look: (_, call) => void seen.push(call.origin.correlationId) }),
    })
    const outer = defineService(Outer, {
      uses: { inner: Inner },
      start: ({ inner }) => ({
        look: async (_, call) => {
          await inner.look()
          await inner.look(undefined, call)
          seen.push(currentCall().origin.correlationId)
        },
      }),
    })
    await using system = await startForTest({ services: [outer, inner] })
    await runInCall(createCall({ correlationId: 'edge' }), () => system.get(Outer).look())
    await system.get(Outer).look(undefined, createCall({ correlationId: 'given' }))
    expect(seen).toEqual(['edge', 'edge', 'edge', 'given', 'given', 'given'])
  })

  it('waits for a validator that answers later', async () => {
    const Slow = defineContract('slow', '1.0.0', {
      double: query({ input: z.object({ n: z.number() }), output: z.object({ n: z.number() }) }),
    })
    const operation = Slow.operations.double
    const validate = operation.input?.['~standard'].validate
    const late = {
      ...operation,
      input: operation.input && {
        '~standard': { ...operation.input['~standard'], validate: async (value: unknown) => validate?.(value) },
      },
    }
    const slow = defineService(
      { ...Slow, operations: { double: late as typeof operation } },
      { start: () => ({ double: ({ n }) => ({ n: n * 2 }) }) },
    )
    await using system = await startForTest({ services: [slow] })
    expect(await system.get(Slow).double({ n: 4 })).toEqual({ n: 8 })
    // @ts-expect-error the compiler refuses it too
    await expect(system.get(Slow).double({ n: 'x' })).rejects.toMatchObject({ code: 'OPERATION_INPUT_INVALID' })
  })
})

it('gives callers in the process what the output schema fills in', async () => {
  const Filled = defineContract('filled', '1.0.0', {
    get: query({ output: z.object({ list: z.array(z.object({ a: z.int().default(1) })) }) }),
    named: query({ output: z.object({ a: z.int().default(1) }).meta({ id: 'FilledByName' }) }),
    plain: query({ output: z.object({ a: z.int() }) }),
  })
  const made = { a: 1, more: 2 }
  const service = defineService(Filled, {
    start: () => ({ get: () => ({ list: [{}, { a: 2 }] }), named: () => ({}), plain: () => made }),
  })
  await using system = await startForTest({ services: [service] })
  expect(await system.get(Filled).get()).toEqual({ list: [{ a: 1 }, { a: 2 }] })
  expect(await system.get(Filled).named()).toEqual({ a: 1 })
  // Where nothing is filled in, nothing is parsed.
  expect(await system.get(Filled).plain()).toBe(made)
})
