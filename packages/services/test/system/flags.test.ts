import { defineContract, Flags, query } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'

const Page = defineContract('page', '1.0.0', {
  show: query({ input: z.object({ user: z.string().optional() }), output: z.object({ isNew: z.boolean() }) }),
})
const page = defineService(Page, {
  uses: { flags: Flags },
  start: ({ flags }) => ({ show: ({ user }) => ({ isNew: flags.isEnabled('new-page', { subject: user }) }) }),
})

describe('flags of a system', () => {
  it('come from its configuration and change while it runs', async () => {
    await using system = await startForTest({
      services: [page],
      config: { flags: { 'new-page': { subjects: ['ann'] } } },
    })
    const isNew = async (user?: string) => (await system.get(Page).show({ user })).isNew
    expect([await isNew('ann'), await isNew('bob'), await isNew()]).toEqual([true, false, false])
    await system.configuration.update('flags.new-page', true)
    expect([await isNew('bob'), await isNew()]).toEqual([true, true])
    await expect(system.configuration.update('flags.new-page', 'perhaps')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    expect(await isNew()).toBe(true)
  })
})
