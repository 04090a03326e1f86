import { type Clock, systemClock } from '@keelson/kernel'
import { expect, test } from 'vitest'
import type { Indexing } from '../../src/contract.ts'
import { IndexingRun } from '../../src/domain/indexing-run.ts'
import { documentsErrors } from '../../src/errors.ts'

/** A clock that stands still until told. */
function standingClock(): Clock & { pass(): void; readonly waiting: number } {
  const waiting = new Set<() => void>()
  return {
    ...systemClock,
    now: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        waiting.add(resolve)
        signal?.addEventListener('abort', () => {
          waiting.delete(resolve)
          reject(signal.reason)
        })
      }),
    pass() {
      for (const resolve of waiting) resolve()
      waiting.clear()
    },
    get waiting() {
      return waiting.size
    },
  }
}

const forever = new AbortController().signal

test('follow() gives the picture at once, waits between pictures, and ends after the final one', async () => {
  const clock = standingClock()
  const run = new IndexingRun('/docs', clock)
  const pictures: Indexing[] = []
  const reader = (async () => {
    for await (const picture of run.follow(forever)) pictures.push(picture)
  })()
  await settled()
  expect(pictures.map((picture) => picture.found)).toEqual([0])
  run.count('found', 2)
  run.count('found')
  await settled()
  expect(pictures).toHaveLength(1)
  clock.pass()
  await settled()
  expect(pictures.map((picture) => picture.found)).toEqual([0, 3])
  run.count('done', 3)
  run.end({ state: 'done' })
  await reader
  expect(pictures.at(-1)).toMatchObject({ state: 'done', done: 3, finishedAt: '1970-01-01T00:00:00.000Z' })
  expect(pictures).toHaveLength(3)
  expect(clock.waiting).toBe(0)
})

test('follow() of a run that has ended gives one picture', async () => {
  const run = new IndexingRun('/docs', systemClock)
  run.end({ state: 'failed', error: 'no disk' })
  run.end({ state: 'done' })
  const pictures: Indexing[] = []
  for await (const picture of run.follow(forever)) pictures.push(picture)
  expect(pictures).toMatchObject([{ state: 'failed', error: 'no disk' }])
})

test('follow() serves several readers, each at its own pace', async () => {
  const clock = standingClock()
  const run = new IndexingRun('/docs', clock)
  const [one, two] = [run.follow(forever), run.follow(forever)]
  await one.next()
  run.count('found')
  expect((await two.next()).value).toMatchObject({ found: 1 })
  const next = [one.next(), two.next()]
  run.end({ state: 'stopped' })
  expect((await Promise.all(next)).map(({ value }) => value?.state)).toEqual(['stopped', 'stopped'])
})

test('follow() stops waiting when the signal aborts, and leaves no timer', async () => {
  const clock = standingClock()
  const run = new IndexingRun('/docs', clock)
  const stop = new AbortController()
  const reader = run.follow(stop.signal)
  await reader.next()
  const next = reader.next()
  await settled()
  stop.abort(new Error('gone'))
  await expect(next).rejects.toThrow('gone')
  expect(clock.waiting).toBe(0)
})

test('skip() counts a file as looked at and keeps its name and reason', () => {
  const run = new IndexingRun('/docs', systemClock)
  run.skip('a.md', documentsErrors.DOCUMENTS_FILE_EMPTY({ path: 'a.md' }))
  expect(run.look()).toMatchObject({
    done: 1,
    skipped: 1,
    problems: [{ path: 'a.md', code: 'DOCUMENTS_FILE_EMPTY', reason: 'Cannot index "a.md": it holds no text' }],
  })
})

/** Resolves when everything that could go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
