import { command, defineAdapter, defineContract, definePort } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { bulkhead, deadline } from '@keelson/resilience'
import { createInMemoryLog } from '@keelson/telemetry'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { Greeter, greeter } from '../greeter.ts'

it('close() says it is not ready first, answers until balancers have looked away, and leaves nothing open', async () => {
  const clock = createFakeClock()
  const system = await startForTest({
    services: [greeter],
    listen: true,
    clock,
    config: { system: { drainMs: 5_000 } },
  })
  const read = async (path: string) =>
    (await fetch(`${system.url}${path}`, { headers: { connection: 'close' } })).status
  expect([await read('/health/ready'), await read('/health/live')]).toEqual([200, 200])
  const closed = system.close()
  expect([await read('/health/ready'), await read('/health/live')]).toEqual([503, 200])
  expect(await read('/v1/greetings/Ann')).toBe(200)
  await clock.advance(5_000)
  await closed
  await expect(system.get(Greeter).greet({ name: 'Ann' })).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING' })
  await expect(read('/health/live')).rejects.toThrow()
  expect(clock.sleeping).toBe(0)
  expect(process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPServer'))).toEqual([])
})

const Work = defineContract('work', '1.0.0', {
  work: command({ output: z.object({ at: z.int() }) }, bulkhead({ concurrency: 1, queue: 10 })),
})

/** Lets what was just begun come to rest. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

it.each([true, false])(
  'close() answers what was accepted, queued calls too, and no new ones (instrumented: %s)',
  async (instrumented) => {
    const waiting: (() => void)[] = []
    let at = 0
    const service = defineService(Work, {
      start: () => ({
        work: async () => {
          await new Promise<void>((resolve) => waiting.push(resolve))
          return { at: ++at }
        },
      }),
    })
    const system = await startForTest({ services: [service], instrumented })
    const work = system.get(Work)
    const accepted = [work.work(), work.work(), work.work()]
    await settle()
    let isClosed = false
    const closed = system.close().then(() => (isClosed = true))
    await settle()
    await expect(work.work()).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING' })
    for (let turn = 0; turn < 3; turn++) {
      expect(isClosed).toBe(false)
      waiting[turn]?.()
      await settle()
    }
    expect(await Promise.all(accepted)).toEqual([{ at: 1 }, { at: 2 }, { at: 3 }])
    await closed
  },
)

it('close() waits for an implementation that goes on after its deadline has answered the caller', async () => {
  const clock = createFakeClock()
  const Late = defineContract('late', '1.0.0', { work: command({}, deadline('100ms')) })
  const work = Promise.withResolvers<void>()
  let isStoreOpen = true
  const late = defineService(Late, {
    start: ({ lifetime }) => {
      lifetime.onClose(() => (isStoreOpen = false))
      return { work: () => work.promise }
    },
  })
  const system = await startForTest({ services: [late], clock })
  const call = expect(system.get(Late).work()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  await clock.advance(200)
  await call
  const closed = system.close()
  await settle()
  expect(isStoreOpen).toBe(true)
  work.resolve()
  await closed
  expect(isStoreOpen).toBe(false)
})

it('close() is one budget: what is not done by then is cut off and named, and the rest is closed all the same', async () => {
  const clock = createFakeClock()
  const log = createInMemoryLog()
  const Store = definePort<object>('store')
  let isStoreClosed = false
  const store = defineAdapter({
    name: 'disk',
    provides: Store,
    start: ({ lifetime }) => {
      lifetime.onClose(() => (isStoreClosed = true))
      return {}
    },
  })
  const stuck = defineService(Work, {
    uses: { store: Store },
    lifecycle: { closeTimeoutMs: 600_000 },
    start: () => ({ work: () => new Promise(() => {}) }),
  })
  const config = { system: { closeMs: 1_000 } }
  const system = await startForTest({ services: [stuck], adapters: [store], clock, log, config })
  void system.get(Work).work()
  const closed = expect(system.close()).rejects.toMatchObject({
    code: 'CLOSE_CUT',
    details: { component: 'work', waitedFor: 'its work in flight' },
  })
  await settle()
  await clock.advance(999)
  expect(isStoreClosed).toBe(false)
  await clock.advance(1)
  await closed
  expect(isStoreClosed).toBe(true)
  expect(log.records).toContainEqual(
    expect.objectContaining({ message: expect.stringContaining('"work" was cut off') }),
  )
  expect(clock.sleeping).toBe(0)
})

it('close() is cut by a second word', async () => {
  const stuck = defineService(Work, { start: () => ({ work: () => new Promise(() => {}) }) })
  const system = await startForTest({ services: [stuck] })
  void system.get(Work).work()
  const closed = expect(system.close()).rejects.toMatchObject({ code: 'CLOSE_CUT' })
  await settle()
  void system.close(AbortSignal.abort()).catch(() => {})
  await closed
})

it('a signal ends a start at whatever point, and leaves nothing open', async () => {
  const stop = new AbortController()
  const notes: string[] = []
  const begun = Promise.withResolvers<void>()
  const slow = defineService(Work, {
    start: async ({ lifetime }) => {
      lifetime.onClose(() => notes.push('closed'))
      begun.resolve()
      await new Promise((_, reject) => lifetime.signal.addEventListener('abort', () => reject(lifetime.signal.reason)))
      return { work: () => ({ at: 1 }) }
    },
  })
  const started = expect(
    startForTest({ services: [slow, greeter], listen: true, signal: stop.signal }),
  ).rejects.toMatchObject({ code: 'START_CANCELLED' })
  await begun.promise
  stop.abort()
  await started
  expect(notes).toEqual(['closed'])
  await expect(startForTest({ services: [greeter], signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'START_CANCELLED',
  })
  await settle()
  expect(process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPServer'))).toEqual([])
})
