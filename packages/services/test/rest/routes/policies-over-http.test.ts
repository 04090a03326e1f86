import { type CallContext, command, defineContract, query } from '@keelson/kernel'
import { deadline, rateLimit, retry } from '@keelson/resilience'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../../src/rest/http.ts'
import { defineService } from '../../../src/service/service.ts'
import { startForTest } from '../../../src/testing.ts'
import { busy } from '../../facade/busy.ts'

const Shop = defineContract('shop', '1.0.0', {
  slow: query({}, http('GET /v1/slow'), deadline(20)),
  limited: query({}, http('GET /v1/limited'), rateLimit({ limit: 1, per: '1h' })),
  buy: command(
    { output: z.object({ key: z.string(), tries: z.number() }) },
    http('POST /v1/purchases'),
    retry({ initial: 1 }),
  ),
})

async function start() {
  let tries = 0
  return await startForTest({
    listen: true,
    services: [
      defineService(Shop, {
        start: () => ({
          // It ends when nobody waits for it any more: a close waits for what does not.
          slow: (_: unknown, { signal }: CallContext) =>
            new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
          limited: () => {},
          buy: (_: unknown, call: CallContext) => {
            if (++tries % 2 === 1) throw busy()
            return { key: call.key?.text ?? '', tries }
          },
        }),
      }),
    ],
  })
}

it('a deadline that passes is status 504', async () => {
  await using system = await start()
  const answer = await fetch(`${system.url}/v1/slow`)
  expect([answer.status, await answer.json()]).toMatchObject([504, { code: 'DEADLINE_EXCEEDED', retryable: true }])
})

it('a limit that is used up is status 429, with the time to come back', async () => {
  await using system = await start()
  await fetch(`${system.url}/v1/limited`)
  const answer = await fetch(`${system.url}/v1/limited`)
  expect([answer.status, await answer.json()]).toMatchObject([429, { code: 'RATE_LIMITED' }])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(3000)
})

it('the Idempotency-Key of a request is that of the call, and makes nothing repeat that the contract does not', async () => {
  await using system = await start()
  const buy = (headers: Record<string, string>) =>
    fetch(`${system.url}/v1/purchases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    })
  const keyed = await buy({ 'idempotency-key': 'order-7' })
  expect(keyed.status).toBe(503)
  expect(await (await buy({ 'idempotency-key': 'order-7' })).json()).toEqual({ key: 'order-7', tries: 2 })
})
