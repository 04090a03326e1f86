import { atLeast, defineContract, isError, query } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { remoteOverHttp } from '../../src/rest/clients/remote-over-http.ts'
import { http } from '../../src/rest/http.ts'
import { defineService } from '../../src/service/service.ts'
import { defineSystem } from '../../src/system/system.ts'
import { mock } from '../../src/testing.ts'

const ById = z.object({ id: z.string() })
const ByName = z.object({ name: z.string() })
const One = defineContract('one', '1.2.0', { get: query({ input: ById }, http('GET /v1/things/{id}')) })
const Two = defineContract('two', '1.0.0', { find: query({ input: ByName }, http('GET /v1/things/{name}/')) })

function refusalOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return isError(error) ? `${error.code}: ${error.message}` : String(error)
  }
  return expect.fail('it was accepted')
}

describe('defineSystem()', () => {
  it('refuses two operations on one route, and names both', () => {
    expect(refusalOf(() => defineSystem({ name: 'test', services: [mock(One, {}), mock(Two, {})] }))).toBe(
      'ROUTE_DUPLICATE: Cannot add the route GET /v1/things/{name}/: one.get and two.find both claim it',
    )
  })

  it('lets the routes of others be', () => {
    const far = remoteOverHttp(Two, { url: 'http://127.0.0.1:1' })
    expect(defineSystem({ name: 'test', services: [mock(One, {}), far] }).services).toHaveLength(2)
  })

  it('refuses a service that uses a version nobody serves, and says what is served', () => {
    const served = (version: string) => mock({ ...One, version }, {})
    const user = defineService(defineContract('user', '1.0.0', {}), { uses: { one: One }, start: () => ({}) })
    for (const version of ['1.2.0', '1.2.1', '1.10.0'])
      expect(defineSystem({ name: 'test', services: [user, served(version)] }).name).toBe('test')
    for (const version of ['1.1.9', '2.0.0', '0.2.0', '1.2.0-beta.1'])
      expect(refusalOf(() => defineSystem({ name: 'test', services: [user, served(version)] }))).toBe(
        `CONTRACT_VERSION_UNSERVED: Cannot use one 1.2.0 in "user": the system serves ${version}`,
      )
  })

  it('takes an older one where the user says it will do', () => {
    const user = defineService(defineContract('user', '1.0.0', {}), {
      uses: { one: atLeast(One, '1.1.0') },
      start: () => ({}),
    })
    expect(defineSystem({ name: 'test', services: [user, mock({ ...One, version: '1.1.0' }, {})] }).name).toBe('test')
    expect(refusalOf(() => atLeast(One, '2.0.0'))).toContain('CONTRACT_INVALID')
    expect(refusalOf(() => atLeast(One, '1'))).toContain('CONTRACT_INVALID')
  })
})
