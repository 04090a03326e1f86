import { describe, expect, it } from 'vitest'
import { createRuleFlags, type FlagRule } from '../../src/flags/rule-flags.ts'

describe('createRuleFlags()', () => {
  it('answers from the rules as they are at the moment', () => {
    let rules: Record<string, FlagRule> = { 'new-page': true, 'old-page': false }
    const flags = createRuleFlags(() => rules)
    expect(
      ['new-page', 'old-page', 'unknown', 'constructor', '__proto__'].map((flag) => flags.isEnabled(flag)),
    ).toEqual([true, false, false, false, false])
    rules = { 'new-page': false }
    expect(flags.isEnabled('new-page')).toBe(false)
  })

  it('is on for named subjects and a share of the others, the same ones each time', () => {
    const flags = createRuleFlags(() => ({
      trial: { subjects: ['ann'], share: 0.25 },
      all: { share: 1 },
      none: { share: 0 },
    }))
    const people = Array.from({ length: 4_000 }, (_, at) => `user-${at}`)
    const chosen = people.filter((subject) => flags.isEnabled('trial', { subject }))
    expect(flags.isEnabled('trial', { subject: 'ann' })).toBe(true)
    expect(flags.isEnabled('trial')).toBe(false)
    expect(chosen.length / people.length).toBeGreaterThan(0.22)
    expect(chosen.length / people.length).toBeLessThan(0.28)
    expect(people.filter((subject) => flags.isEnabled('trial', { subject }))).toEqual(chosen)
    expect([
      flags.isEnabled('all'),
      flags.isEnabled('all', { subject: 'bob' }),
      flags.isEnabled('none', { subject: 'bob' }),
    ]).toEqual([true, true, false])
  })

  it('is on for named tenants, and tells subjects of two tenants apart', () => {
    const flags = createRuleFlags(() => ({ trial: { tenants: ['acme'] }, some: { share: 0.5 } }))
    expect(flags.isEnabled('trial', { tenant: 'acme', subject: 'ann' })).toBe(true)
    expect(flags.isEnabled('trial', { tenant: 'globex', subject: 'acme' })).toBe(false)
    const tenants = Array.from({ length: 40 }, (_, at) => `tenant-${at}`)
    const chosen = tenants.filter((tenant) => flags.isEnabled('some', { tenant, subject: 'ann' }))
    expect(chosen.length).toBeGreaterThan(5)
    expect(chosen.length).toBeLessThan(35)
  })

  it('keeps everybody who was in when a share grows, and chooses others for another flag', () => {
    const shareOf = (share: number) => createRuleFlags(() => ({ a: { share }, b: { share } }))
    const people = Array.from({ length: 1_000 }, (_, at) => `user-${at}`)
    const few = people.filter((subject) => shareOf(0.1).isEnabled('a', { subject }))
    expect(few.every((subject) => shareOf(0.3).isEnabled('a', { subject }))).toBe(true)
    const both = few.filter((subject) => shareOf(0.1).isEnabled('b', { subject }))
    expect(both.length).toBeLessThan(few.length / 2)
  })
})
