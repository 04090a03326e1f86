import { createFakeClock } from '@keelson/kernel/testing'
import { expect, it } from 'vitest'
import { startForTest } from '../../src/testing.ts'
import { Greeter, greeter } from '../greeter.ts'

it('close() says it is not ready first, answers until balancers have looked away, and leaves nothing open', async () => {
  const clock = createFakeClock()
  const system = await startForTest({ services: [greeter], listen: true, clock, drainMs: 5_000 })
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
