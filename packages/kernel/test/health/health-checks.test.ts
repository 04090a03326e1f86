import { describe, expect, test } from 'vitest'
import { HealthChecks } from '../../src/index.ts'
import { createFakeClock } from '../../src/testing.ts'

describe('HealthChecks', () => {
  test('read() is as bad as the worst critical check, and degraded by any other', async () => {
    const checks = new HealthChecks(createFakeClock())
    expect(await checks.read()).toEqual({ status: 'ok', checks: {} })
    checks.add('store', () => ({ status: 'ok' }))
    checks.add('cache', () => Promise.reject(new Error('away')), { critical: false })
    expect(await checks.read()).toEqual({
      status: 'degraded',
      checks: { store: { status: 'ok' }, cache: { status: 'failed', message: 'away' } },
    })
    checks.add('store', () => ({ status: 'failed', message: 'full' }))
    expect((await checks.read()).status).toBe('failed')
  })

  test('read() gives a check no longer than its time-out', async () => {
    const clock = createFakeClock()
    const checks = new HealthChecks(clock)
    checks.add('slow', () => new Promise(() => {}), { timeoutMs: 50 })
    const read = checks.read()
    await clock.advance(0)
    await clock.advance(50)
    expect(await read).toEqual({
      status: 'failed',
      checks: { slow: { status: 'failed', message: 'the check "slow" did not answer within 50 ms' } },
    })
    expect(clock.sleeping).toBe(0)
  })

  test('read() runs a check once for all who ask, and again when the cached answer is old', async () => {
    const clock = createFakeClock()
    const checks = new HealthChecks(clock)
    let runs = 0
    const probe = () => {
      runs++
      return { status: 'ok' as const }
    }
    checks.add('store', probe, { cacheMs: 1_000 })
    await Promise.all([checks.read(), checks.read()])
    await clock.advance(999)
    await checks.read()
    expect(runs).toBe(1)
    await clock.advance(1)
    await checks.read()
    expect(runs).toBe(2)
  })
})
