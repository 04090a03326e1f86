import { describe, expect, it } from 'vitest'
import { createBundle } from '../../src/system/bundle.ts'
import { greeter } from '../greeter.ts'

describe('createBundle()', () => {
  it('starts services together and closes them when it is disposed', async () => {
    const bundle = await createBundle({ hello: greeter })
    expect(await bundle.hello.greet({ name: 'Ann' })).toMatchObject({ text: 'Hello, Ann' })
    // @ts-expect-error misspelt
    expect(bundle.hello.gret).toBeUndefined()
    await bundle[Symbol.asyncDispose]()
    expect(bundle.hello.status).toBe('closed')
  })
})
