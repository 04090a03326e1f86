import { bulkhead, PoliciesConfig } from '@keelson/resilience'
import { expect, it } from 'vitest'
import { outcome, startBackend } from './backend.ts'

it('bounds calls near what the dependency serves without slowing down, and gives the bound up on a reload', async () => {
  const capacity = 10
  let running = 0
  const policy = bulkhead({ adaptive: true, least: 2, concurrency: 200, queue: 0 })
  await using backend = await startBackend([policy], async ({ id }) => {
    running++
    await backend.clock.sleep(10 * Math.max(1, running / capacity))
    running--
    return { n: id }
  })
  const limits: number[] = []
  const calls: Promise<unknown>[] = []
  for (let tick = 0; tick < 300; tick++) {
    for (let i = 0; i < 40; i++) calls.push(outcome(backend.fetch(i)))
    await backend.clock.advance(5)
    if (tick > 100) limits.push(backend.state().bulkhead?.limit ?? 0)
  }
  await backend.clock.advance(1000)
  expect(Math.min(...limits)).toBeGreaterThanOrEqual(4)
  expect(Math.max(...limits)).toBeLessThanOrEqual(30)
  expect(await Promise.all(calls)).toContain('BULKHEAD_FULL')
  expect(backend.state().bulkhead?.running).toBe(0)
  backend.host.configurePolicies(PoliciesConfig.parse({ services: { backend: { bulkhead: { adaptive: false } } } }))
  expect(backend.state().bulkhead?.limit).toBe(200)
})
