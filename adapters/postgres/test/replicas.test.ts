import { kernelErrors, type Queryable } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { expect, test } from 'vitest'
import { postgresFrom } from '../src/index.ts'
import { Replicas } from '../src/replicas.ts'

/** Answers with its name until it is told to fail. */
function server(name: string) {
  const state = { error: undefined as Error | undefined, asked: 0 }
  const reader: Queryable = {
    query: () => {
      state.asked += 1
      // The rows are what this test says they are.
      const rows = [{ name }] as never
      return state.error ? Promise.reject(state.error) : Promise.resolve({ rows, affected: 0 })
    },
  }
  return { reader, state }
}

test('replicas are read in turn; one that is away rests, and the primary answers for all', async () => {
  const clock = createFakeClock()
  const [primary, one, two] = [server('primary'), server('one'), server('two')]
  const replicas = new Replicas([one.reader, two.reader], primary.reader, clock)
  const ask = async () => (await replicas.query<{ name: string }>('select name')).rows[0]?.name
  expect([await ask(), await ask(), await ask(), await ask()].toSorted()).toEqual(['one', 'one', 'two', 'two'])
  one.state.error = kernelErrors.DATABASE_UNREACHABLE({ address: 'one', reason: 'gone' })
  expect([await ask(), await ask(), await ask()]).toEqual(['two', 'two', 'two'])
  const asked = one.state.asked
  two.state.error = kernelErrors.DATABASE_OUTCOME_UNKNOWN({ reason: 'cut' })
  expect([await ask(), await ask()]).toEqual(['primary', 'primary'])
  expect(one.state.asked).toBe(asked)
  one.state.error = undefined
  await clock.advance(5_000)
  expect(await ask()).toBe('one')
})

test('what a replica refuses is refused', async () => {
  const [primary, one] = [server('primary'), server('one')]
  one.state.error = kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '42P01', reason: 'no such table' })
  const replicas = new Replicas([one.reader], primary.reader, createFakeClock())
  await expect(replicas.query('select 1')).rejects.toBe(one.state.error)
  expect(primary.state.asked).toBe(0)
})

test('postgresFrom() goes by DATABASE_URL and DATABASE_REPLICA_URLS', () => {
  expect(postgresFrom({})).toBeUndefined()
  expect(postgresFrom({ DATABASE_URL: '', DATABASE_REPLICA_URLS: 'postgres://b' })).toBeUndefined()
  expect(postgresFrom({ DATABASE_URL: 'postgres://a' })?.config).toEqual({ postgres: { url: 'postgres://a' } })
  expect(
    postgresFrom({ DATABASE_URL: 'postgres://a', DATABASE_REPLICA_URLS: 'postgres://b, postgres://c,' })?.config,
  ).toEqual({
    postgres: { url: 'postgres://a', replicaUrls: ['postgres://b', 'postgres://c'] },
  })
})
