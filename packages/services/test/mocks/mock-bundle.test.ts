import { describe, expect, it } from 'vitest'
import { createMockBundle } from '../../src/testing.ts'
import { Greeter } from '../greeter.ts'

describe('createMockBundle()', () => {
  it('answers with the given functions and writes every call down', async () => {
    await using bundle = await createMockBundle(
      { hello: Greeter },
      { answers: { hello: { greet: ({ name }) => ({ text: `mocked ${name}` }) } } },
    )
    expect(await bundle.hello.greet({ name: 'Ann' })).toEqual({ text: 'mocked Ann' })
    await expect(bundle.hello.ping()).rejects.toMatchObject({ code: 'MOCK_NOT_ANSWERED' })
    expect(bundle.calls).toMatchObject([
      { service: 'greeter', operation: 'greet', input: { name: 'Ann', times: 1 }, output: { text: 'mocked Ann' } },
      { operation: 'ping', error: { code: 'MOCK_NOT_ANSWERED' } },
    ])
  })

  it('replays a recording where there is no function', async () => {
    const replay = [{ service: 'greeter', operation: 'ping', input: undefined }]
    await using bundle = await createMockBundle(
      { hello: Greeter },
      { replay, answers: { hello: { forget: () => {} } } },
    )
    expect(await bundle.hello.ping()).toBeUndefined()
    expect(await bundle.hello.forget({ id: 'a' })).toBeUndefined()
    await expect(bundle.hello.greet({ name: 'Ann' })).rejects.toMatchObject({ code: 'CALL_NOT_RECORDED' })
  })
})
