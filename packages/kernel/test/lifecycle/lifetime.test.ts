import { describe, expect, test } from 'vitest'
import { isError, Lifetime } from '../../src/index.ts'

describe('Lifetime', () => {
  test('closes what it owns in reverse order, one after the other', async () => {
    const steps: string[] = []
    const lifetime = new Lifetime('a test')
    const step = (name: string) => async () => {
      steps.push(`${name} begins`)
      await Promise.resolve()
      steps.push(`${name} ends`)
    }
    lifetime.own({ close: step('first') })
    lifetime.own({ [Symbol.asyncDispose]: step('second') })
    lifetime.own({ [Symbol.dispose]: () => void steps.push('third') })
    lifetime.onClose(step('fourth'))
    await lifetime.close()
    expect(steps).toEqual([
      'fourth begins',
      'fourth ends',
      'third',
      'second begins',
      'second ends',
      'first begins',
      'first ends',
    ])
  })

  test('own() hands back what it is given, and closes it as itself', async () => {
    class Resource {
      isClosed = false
      close() {
        this.isClosed = true
      }
    }
    const lifetime = new Lifetime('a test')
    const resource = lifetime.own(new Resource())
    await lifetime.close()
    expect(resource.isClosed).toBe(true)
  })

  test('close() does its work once, however often it is called', async () => {
    let closed = 0
    const lifetime = new Lifetime('a test')
    lifetime.onClose(() => void closed++)
    await Promise.all([lifetime.close(), lifetime.close()])
    await lifetime.close()
    expect(closed).toBe(1)
  })

  test('close() tries everything before it rejects with all that failed', async () => {
    const steps: string[] = []
    const lifetime = new Lifetime('the store')
    lifetime.onClose(() => void steps.push('first'))
    lifetime.onClose(() => {
      throw new Error('second broke')
    })
    lifetime.onClose(() => Promise.reject('third broke'))
    const error: unknown = await lifetime.close().catch((reason) => reason)
    expect(isError(error, 'CLOSE_FAILED')).toBe(true)
    expect(String(error)).toContain('Cannot close "the store" cleanly: third broke; second broke')
    expect(steps).toEqual(['first'])
    await expect(lifetime.close()).rejects.toBe(error)
  })

  test('closes what is handed to it while it is closing', async () => {
    const steps: string[] = []
    const lifetime = new Lifetime('a test')
    lifetime.onClose(() => lifetime.onClose(() => void steps.push('late')))
    await lifetime.close()
    expect(steps).toEqual(['late'])
  })
})
