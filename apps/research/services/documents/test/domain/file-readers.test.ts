import { systemClock } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { afterEach, expect, test } from 'vitest'
import { FileReaders } from '../../src/domain/file-readers.ts'

let readers: FileReaders
afterEach(() => readers?.close())

test('FileReaders read files side by side in threads of their own, and pass named errors on', async () => {
  readers = new FileReaders(systemClock)
  const files = Array.from({ length: 20 }, (_, at) => readers.read(Buffer.from(`# Ship ${at}\n\nkeel`), `${at}.md`))
  expect((await Promise.all(files)).map(({ title }) => title)).toEqual(files.map((_, at) => `Ship ${at}`))
  await expect(readers.read(Buffer.from('{'), 'a.json')).rejects.toMatchObject({
    code: 'DOCUMENTS_FILE_DAMAGED',
    details: { path: 'a.json' },
  })
})

test('FileReaders give up a file that breaks its thread, and read the next', async () => {
  readers = new FileReaders(systemClock)
  // So many rows of one cell take more memory than a thread has.
  const rows = Buffer.alloc(48 * 1024 * 1024, 'a\n')
  const broken = readers.read(rows, 'rows.csv')
  const next = readers.read(Buffer.from('mast'), 'next.txt')
  await expect(broken).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_BREAKS_READER', details: { path: 'rows.csv' } })
  expect(await next).toMatchObject({ text: 'mast' })
})

test('FileReaders give up a file that takes too long', async () => {
  const clock = createFakeClock()
  readers = new FileReaders(clock)
  const slow = readers.read(Buffer.alloc(8 * 1024 * 1024, 'keel and mast. '), 'slow.txt')
  const refused = expect(slow).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_SLOW' })
  await clock.advance(120_000)
  await refused
})

test('FileReaders refuse what waits when they close', async () => {
  readers = new FileReaders(systemClock)
  const waiting = Array.from({ length: 30 }, (_, at) => readers.read(Buffer.from('keel'), `${at}.txt`))
  const ends = Promise.allSettled(waiting)
  await readers.close()
  await readers.close()
  const codes = (await ends).map((end) => (end.status === 'rejected' ? end.reason.code : 'read'))
  expect(codes.at(-1)).toBe('DOCUMENTS_FILE_BREAKS_READER')
  await expect(readers.read(Buffer.from('keel'), 'late.txt')).rejects.toMatchObject({
    code: 'DOCUMENTS_FILE_BREAKS_READER',
  })
})
