import { describe, expect, it } from 'vitest'
import { soakCalls } from '../soak/calls.ts'

describe('npm run soak', { timeout: 120_000 }, () => {
  it('of calls: 10,000 steps break no promise of policies, keys, contexts and closing', async () => {
    const { rows, violations } = await soakCalls(10_000, 20261130)
    expect(violations).toEqual([])
    const counted = new Map(rows.map(({ what, count }) => [what, count]))
    const exercised = ['look: answered', 'order: answered', 'pay: answered', 'policy: cache hits']
    expect(counted.get('policy: hedge hedged')).toBeGreaterThan(0)
    for (const what of [...exercised, 'policy: keyed repeats', 'policy: retry retries', 'policy: breaker opened'])
      expect(counted.get(what) ?? 0, what).toBeGreaterThan(20)
  })
})
