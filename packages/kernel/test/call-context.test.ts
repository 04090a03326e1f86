import { expect, test } from 'vitest'
import { createCall, currentCall, rootCall, runInCall } from '../src/index.ts'

const call = (correlationId: string) => createCall({ correlationId })

test('currentCall() is the root call where no edge has begun one', () => {
  expect(currentCall()).toBe(rootCall)
  expect(rootCall.origin.correlationId).toBe('')
  expect(rootCall.signal.aborted).toBe(false)
})

test('runInCall() gives its call to everything below, across awaits', async () => {
  const outer = call('outer')
  const inner = call('inner')
  const seen = await runInCall(outer, async () => {
    const before = currentCall()
    await Promise.resolve()
    const nested = await runInCall(inner, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return currentCall()
    })
    return [before, nested, currentCall()]
  })
  expect(seen).toEqual([outer, inner, outer])
  expect(currentCall()).toBe(rootCall)
})

test('runInCall() keeps concurrent calls apart, and passes on what the work throws', async () => {
  const ids = ['a', 'b', 'c']
  const seen = await Promise.all(
    ids.map((id) =>
      runInCall(call(id), async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return currentCall().origin.correlationId
      }),
    ),
  )
  expect(seen).toEqual(ids)
  expect(() =>
    runInCall(call('x'), () => {
      throw new RangeError('of the work')
    }),
  ).toThrow(RangeError)
})
