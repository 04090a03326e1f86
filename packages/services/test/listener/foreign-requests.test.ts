import { describe, expect, it } from 'vitest'
import type { Arrival } from '../../src/listener/arrival.ts'
import { type OwnAddress, refuseForeign } from '../../src/listener/foreign-requests.ts'

const own: OwnAddress = { host: '127.0.0.1', port: 4000 }
const behindProxy: OwnAddress = { ...own, proxy: { addresses: ['127.0.0.1'], hosts: ['notes.example.com'] } }

/** The name of the header that a request with these is refused for; undefined when it is not. */
function refusedBy(headers: Record<string, string>, address = own, remoteAddress = '::ffff:127.0.0.1') {
  const given: Record<string, string> = { host: '127.0.0.1:4000', ...headers }
  const arrival: Pick<Arrival, 'remoteAddress' | 'header' | 'headerNames'> = {
    remoteAddress,
    header: (name: string) => given[name],
    headerNames: () => Object.keys(given),
  }
  try {
    refuseForeign(arrival, given['host'] ?? '', address)
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ code: 'HOST_REFUSED', kind: 'forbidden' })
    return (error as { details: { header: string } }).details.header
  }
}

describe('refuseForeign()', () => {
  it.each([
    ['Host', { host: 'evil.example' }],
    ['Host', { host: 'evil.example:4000' }],
    ['Host', { host: '127.0.0.1' }],
    ['Host', { host: '127.0.0.1.evil.example:4000' }],
    ['Host', { host: '' }],
    ['Origin', { origin: 'https://evil.example' }],
    ['Origin', { origin: 'null' }],
    ['Origin', { origin: 'http://localhost:1' }],
    ['Origin', { origin: 'http://evil.example/http://127.0.0.1:4000' }],
    ['Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' }],
    ['Referer', { referer: 'https://evil.example/page' }],
    ['forwarded', { forwarded: 'for=203.0.113.7' }],
    ['via', { via: '1.1 tunnel' }],
    ['x-forwarded-for', { 'x-forwarded-for': '127.0.0.1' }],
    ['x-forwarded-host', { 'x-forwarded-host': '127.0.0.1:4000' }],
    ['x-forwarded-anything', { 'x-forwarded-anything': '' }],
    ['x-real-ip', { 'x-real-ip': '203.0.113.7' }],
    ['x-original-url', { 'x-original-url': '/' }],
    ['cf-connecting-ip', { 'cf-connecting-ip': '203.0.113.7' }],
  ])('refuses by %s: %j', (header, headers) => {
    expect(refusedBy(headers)).toBe(header)
  })

  it.each([
    [{}],
    [{ host: 'localhost:4000' }],
    [{ host: 'LOCALHOST:4000' }],
    [{ host: '[::1]:4000', origin: 'http://[::1]:4000' }],
    [{ origin: 'http://localhost:4000', 'sec-fetch-site': 'same-origin', referer: 'http://localhost:4000/docs' }],
    [{ 'sec-fetch-site': 'none' }],
  ])('takes what programs and pages of this machine send: %j', (headers) => {
    expect(refusedBy(headers)).toBeUndefined()
  })

  it('knows the address that it listens on, and leaves out the port of the scheme', () => {
    expect(refusedBy({ host: '127.0.0.2:4000' }, { host: '127.0.0.2', port: 4000 })).toBeUndefined()
    expect(refusedBy({ host: 'localhost' }, { host: '127.0.0.1', port: 80 })).toBeUndefined()
  })

  it('takes what the named proxy passes on for its own hosts, and nothing else of it', () => {
    const passedOn = { host: 'notes.example.com', 'x-forwarded-for': '203.0.113.7', 'sec-fetch-site': 'cross-site' }
    expect(refusedBy(passedOn, behindProxy)).toBeUndefined()
    expect(refusedBy({ ...passedOn, origin: 'https://notes.example.com' }, behindProxy)).toBeUndefined()
    expect(refusedBy({ ...passedOn, origin: 'https://evil.example' }, behindProxy)).toBe('Origin')
    expect(refusedBy({ ...passedOn, host: 'evil.example' }, behindProxy)).toBe('Host')
    expect(refusedBy({ 'x-forwarded-for': '203.0.113.7' }, behindProxy)).toBe('x-forwarded-for')
    expect(refusedBy(passedOn, behindProxy, '127.0.0.9')).toBe('Host')
  })
})
