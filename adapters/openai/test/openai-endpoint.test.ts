import { inspect } from 'node:util'
import { Secret } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { OpenaiEndpoint, type OpenaiEndpointOptions } from '../src/openai-endpoint.ts'
import { type EndpointDouble, type Reply, silence, startEndpointDouble, status } from './endpoint-double.ts'
import { createPatientClock, startedAt, timeoutMs } from './patient-clock.ts'

const key = 'sk-very-secret'
const busy = { error: { message: 'Slow down', type: 'requests', param: null, code: 'rate_limit_exceeded' } }
const ask = { path: '/embeddings', model: 'small', body: { model: 'small', input: ['keel'] } } as const

describe('OpenaiEndpoint', () => {
  it('tries again after overload, failures of the endpoint and broken connections, ever later', async () => {
    await using double = await startEndpointDouble()
    const { endpoint, clock } = endpointOf(double)
    double.misbehave(status(500, 'oops'), status(503, ''), (response) => response.destroy(), status(408, ''))
    await expect(endpoint.json(ask)).resolves.toMatchObject({ object: 'list' })
    expect(double.requests).toHaveLength(5)
    expect(clock.waits).toEqual([250, 500, 1_000, 2_000])
  })

  it('tries again when an answer is cut off', async () => {
    await using double = await startEndpointDouble()
    const { endpoint } = endpointOf(double)
    double.misbehave((response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"object":', () => response.destroy())
    })
    await expect(endpoint.json(ask)).resolves.toMatchObject({ object: 'list' })
  })

  it('waits as long as retry-after asks for: seconds, a date, or milliseconds', async () => {
    await using double = await startEndpointDouble()
    const { endpoint, clock } = endpointOf(double)
    double.misbehave(
      status(429, busy, { 'retry-after': '7' }),
      status(429, busy, { 'retry-after': new Date(startedAt + 30_000).toUTCString() }),
      status(503, busy, { 'retry-after': '7', 'retry-after-ms': '120' }),
      status(429, busy, { 'retry-after': 'soon' }),
    )
    await endpoint.json(ask)
    expect(clock.waits).toEqual([7_000, 30_000, 120, 2_000])
  })

  it('does not wait longer than a minute: it fails and says how long the endpoint asks for', async () => {
    await using double = await startEndpointDouble()
    const { endpoint, clock } = endpointOf(double)
    double.misbehave(status(429, busy, { 'retry-after': '3600' }))
    await expect(endpoint.json(ask)).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      retryable: true,
      details: { retryAfterMs: 3_600_000, reason: 'status 429: Slow down' },
    })
    expect(clock.waits).toEqual([])
  })

  it('gives up after its retries with MODEL_UNAVAILABLE', async () => {
    await using double = await startEndpointDouble()
    const { endpoint } = endpointOf(double, { retries: 2 })
    double.misbehave(status(500, ''), status(500, ''), status(502, { error: { message: 'Bad gateway' } }))
    await expect(endpoint.json(ask)).rejects.toMatchObject({
      message: 'The model "small" cannot be used now: status 502: Bad gateway',
    })
    expect(double.requests).toHaveLength(3)
  })

  it('does not repeat what the endpoint refuses, nor follow it elsewhere', async () => {
    await using double = await startEndpointDouble()
    const { endpoint } = endpointOf(double)
    const refusals: readonly Reply[] = [
      status(400, { error: { message: 'This text is too long' } }),
      status(404, 'not here'),
      status(302, '', { location: 'http://127.0.0.1:1/' }),
      status(429, { error: { message: 'You have no credit', code: 'insufficient_quota' } }),
    ]
    for (const refusal of refusals) {
      double.misbehave(refusal)
      await expect(endpoint.json(ask)).rejects.toMatchObject({ code: 'MODEL_REQUEST_REFUSED', retryable: false })
    }
    expect(double.requests).toHaveLength(refusals.length)
  })

  it('fails with MODEL_UNAVAILABLE when nothing listens there', async () => {
    const clock = createPatientClock()
    const endpoint = new OpenaiEndpoint({ baseUrl: 'http://127.0.0.1:1/v1', clock, timeoutMs })
    await expect(endpoint.json(ask)).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringContaining('cannot be reached'),
    })
    expect(clock.waits).toHaveLength(4)
  })

  it('stops waiting for a silent endpoint when its time is up', async () => {
    await using double = await startEndpointDouble()
    const { endpoint, clock } = endpointOf(double, { retries: 0 })
    const halfSilent: Reply = (response) => response.write('{"object":')
    for (const [index, reply] of [silence, halfSilent].entries()) {
      double.misbehave(reply)
      const answer = endpoint.json(ask)
      const failed = expect(answer).rejects.toMatchObject({
        code: 'MODEL_UNAVAILABLE',
        message: `The model "small" cannot be used now: it took longer than ${timeoutMs} ms`,
      })
      await double.received(index + 1)
      clock.expire()
      await failed
    }
  })

  it("rejects with the signal's reason while it waits for the endpoint, and while it waits to try again", async () => {
    await using double = await startEndpointDouble()
    const reason = new Error('enough')
    const controller = new AbortController()
    double.misbehave(silence)
    const answer = endpointOf(double).endpoint.json({ ...ask, signal: controller.signal })
    await double.received(1)
    controller.abort(reason)
    await expect(answer).rejects.toBe(reason)

    const waiting = new AbortController()
    const clock = createPatientClock()
    const sleep: typeof clock.sleep = (delayMs, signal) => {
      if (delayMs >= timeoutMs) return clock.sleep(delayMs, signal)
      waiting.abort(reason)
      return Promise.reject(signal?.reason)
    }
    double.misbehave(status(500, ''))
    const { endpoint } = endpointOf(double, { clock: { ...clock, sleep } })
    await expect(endpoint.json({ ...ask, signal: waiting.signal })).rejects.toBe(reason)
    expect(double.requests).toHaveLength(2)
  })

  it('never shows the key, whatever the endpoint says', async () => {
    await using double = await startEndpointDouble()
    const { endpoint } = endpointOf(double, { retries: 0 })
    const replies: readonly Reply[] = [
      status(401, { error: { message: `Incorrect API key provided: ${key}` } }),
      status(400, { error: { message: `The key ${key} has no access` } }),
      status(400, `plain ${key}`),
      status(500, { key }),
      status(200, `not JSON ${key}`),
      (response) => response.destroy(),
    ]
    for (const reply of replies) {
      double.misbehave(reply)
      const error: unknown = await endpoint.json(ask).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(Error)
      expect(inspect(error, { depth: null }) + JSON.stringify(error)).not.toContain(key)
    }
    expect(inspect(endpoint, { depth: null, showHidden: true })).not.toContain(key)
    expect(double.requests[0]?.authorization).toBe(`Bearer ${key}`)
  })

  it('sends no authorization without a key, and takes a base with a slash at its end', async () => {
    await using double = await startEndpointDouble()
    const clock = createPatientClock()
    await new OpenaiEndpoint({ baseUrl: `${double.baseUrl}//`, clock }).json(ask)
    expect(double.requests[0]).toMatchObject({ path: '/v1/embeddings', authorization: undefined })
  })

  it('refuses a base that is not a URL', () => {
    expect(() => new OpenaiEndpoint({ baseUrl: 'api.example' })).toThrow(
      expect.objectContaining({ code: 'MODEL_OPTIONS_INVALID' }),
    )
  })
})

function endpointOf({ baseUrl }: EndpointDouble, options: OpenaiEndpointOptions = {}) {
  const clock = createPatientClock()
  const endpoint = new OpenaiEndpoint({
    baseUrl,
    apiKey: Secret.of(key),
    clock,
    timeoutMs,
    random: () => 0.5,
    ...options,
  })
  return { endpoint, clock }
}
