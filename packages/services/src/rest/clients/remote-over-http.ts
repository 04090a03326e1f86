/**
 * A service that somebody else runs, as part of a system: its contract is served by calling the routes of its `http()` annotations. So an
 * application in Express, Nest or another language is called, mocked, configured and measured like any other service.
 */
import type { Clock, Contract, Operations } from '@keelson/kernel'
import * as z from 'zod'
import { peerHeader } from '../../listener/call-headers.ts'
import type { Service } from '../../service/service.ts'
import { type ClientOptions, createClient } from './client.ts'
import type { ClientHeaders } from './http-client.ts'

export interface RemoteOptions extends ClientOptions {
  /** Where the routes start. The system's configuration may say otherwise: `url` in the section of the service. */
  readonly url: string
  /**
   * True where a Keelson system answers, which runs itself what protects the service: its flags, caches and chaos. What protects callers
   * (deadline, retry, breaker, hedge, fallback, a bulkhead and a rate of their own) runs here, and each try is a call there. A listener
   * that is open to more than its own machine does not take a caller's word for it, and runs all of them.
   */
  readonly isPeer?: boolean
}

/**
 * Calls behave as those of `createClient`. The system does not answer on the routes of the contract: they are the other's. Starting asks
 * nothing of it, so that either may start first.
 *
 * @example
 * defineSystem({ name: 'shop', services: [orders, remoteOverHttp(Pets, { url: 'http://127.0.0.1:3000' })] })
 */
export function remoteOverHttp<const Name extends string, Ops extends Operations>(
  contract: Contract<Name, Ops>,
  { url, isPeer = false, headers = {}, ...options }: RemoteOptions,
): Service<Name, Ops> {
  const config = z.object({ url: z.url({ protocol: /^https?$/ }).default(url) })
  return {
    kind: 'service',
    contract,
    uses: {},
    config,
    isRemote: true,
    isPeer,
    start: async (given) => {
      // The system has validated the section with the schema above.
      const { url } = given['config'] as z.infer<typeof config>
      // Every service is given the system's clock, by which the deadlines of its calls are meant.
      const clock = given['clock'] as Clock
      return { ...createClient(contract, url, { clock, headers: isPeer ? asPeer(headers) : headers, ...options }) }
    },
  }
}

function asPeer(headers: ClientHeaders): ClientHeaders {
  return async () => ({ ...(typeof headers === 'function' ? await headers() : headers), [peerHeader]: '1' })
}
