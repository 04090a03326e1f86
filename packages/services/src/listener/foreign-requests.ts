/**
 * What a listener for this machine alone refuses. An address of the loopback interface is no reason to trust: pages of other sites in the
 * user's browser reach it (cross-site requests, DNS rebinding), and so does everybody through a proxy or tunnel that somebody started.
 */
import { servicesErrors } from '../errors.ts'
import type { Arrival } from './arrival.ts'

/** A proxy that may pass requests of strangers on to a listener for this machine. */
export interface TrustedProxy {
  /** Where it calls from. */
  readonly addresses: readonly string[]
  /** What it is called by its callers, with the port unless that is the scheme's own. */
  readonly hosts: readonly string[]
}

export interface OwnAddress {
  readonly host: string
  readonly port: number
  readonly proxy?: TrustedProxy | undefined
}

type Asking = Pick<Arrival, 'remoteAddress' | 'header' | 'headerNames'>

/** The headers by which proxies, tunnels and content networks say that they pass something on. */
const forwarding =
  /^(forwarded|via|cdn-loop|x-forwarded|x-forwarded-.+|x-original-.+|x-rewrite-url|(x-(real|client|cluster-client|remote)|cf-connecting|true-client|fastly-client)-ip)$/

/** Throws HOST_REFUSED unless the request comes from a program or page of this machine, or through the trusted proxy. */
export function refuseForeign(arrival: Asking, host: string, own: OwnAddress): void {
  if (isThroughProxy(arrival, host, own.proxy)) return
  const isOwn = (authority: string) => isOwnAuthority(authority, own)
  if (!isOwn(host)) throw refusal('Host', host)
  const origin = arrival.header('origin')
  if (origin !== undefined && !isOwnUrl(origin, isOwn)) throw refusal('Origin', origin)
  // A browser says by whom a request was made, also where there is no Origin: an image, a link, a script.
  const site = arrival.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw refusal('Sec-Fetch-Site', site)
  const referer = arrival.header('referer')
  if (referer !== undefined && !isOwnUrl(referer, isOwn)) throw refusal('Referer', referer)
  const passedOn = arrival.headerNames().find((name) => forwarding.test(name))
  if (passedOn !== undefined) throw refusal(passedOn, arrival.header(passedOn) ?? '')
}

function refusal(header: string, value: string) {
  return servicesErrors.HOST_REFUSED({ header, value: value.slice(0, 200) })
}

/** Its pages are those of its hosts. */
function isThroughProxy(arrival: Asking, host: string, proxy: TrustedProxy | undefined): boolean {
  if (!proxy?.addresses.includes(withoutMapping(arrival.remoteAddress))) return false
  const isOwn = (authority: string) => proxy.hosts.some((one) => one.toLowerCase() === authority.toLowerCase())
  const origin = arrival.header('origin')
  if (isOwn(host) && origin !== undefined && !isOwnUrl(origin, isOwn)) throw refusal('Origin', origin)
  return isOwn(host)
}

/** An IPv4 address as a socket of both versions shows it. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

function isOwnUrl(url: string, isOwn: (authority: string) => boolean): boolean {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]
  return authority !== undefined && isOwn(authority)
}

function isOwnAuthority(authority: string, { host, port }: OwnAddress): boolean {
  const given = authority.toLowerCase()
  return ['localhost', '127.0.0.1', '[::1]', host.includes(':') ? `[${host}]` : host].some(
    (name) => given === `${name.toLowerCase()}:${port}` || (port === 80 && given === name.toLowerCase()),
  )
}
