import { execFileSync } from 'node:child_process'
import { appendFileSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFile } from '../../src/domain/read-file.ts'
import { temporaryFolder, writeFiles } from '../temporary-folder.ts'

test('openFile() tells the size and time of a file, and reads what it holds now', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  utimesSync(join(folder, 'a.md'), 1_000, 1_000.5)
  await using file = disposable(await openFile(join(folder, 'a.md'), 'a.md', Date.now()))
  expect(file.look).toEqual({ bytes: 4, modifiedAt: 1_000_500, stamp: '4:1000500000000' })
  appendFileSync(join(folder, 'a.md'), ' and hull'.repeat(20_000))
  expect(Buffer.from(await file.read(1_000_000)).toString()).toBe(`keel${' and hull'.repeat(20_000)}`)
})

test('openFile() does not trust the time of a file that was written a moment ago or lies in the future', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  for (const [modifiedAt, isTrusted] of [
    [10, true],
    [8.1, false],
    [3, true],
    [11, false],
  ] as const) {
    utimesSync(join(folder, 'a.md'), modifiedAt, modifiedAt)
    await using file = disposable(await openFile(join(folder, 'a.md'), 'a.md', modifiedAt === 10 ? 20_000 : 10_000))
    expect([modifiedAt, file.look.stamp !== '']).toEqual([modifiedAt, isTrusted])
  }
})

test('read() refuses more than the limit, also of a file that grows', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'x'.repeat(11), 'b.md': 'x'.repeat(10) })
  await using large = disposable(await openFile(join(folder, 'a.md'), 'a.md', 0))
  await expect(large.read(10)).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_TOO_LARGE' })
  await using growing = disposable(await openFile(join(folder, 'b.md'), 'b.md', 0))
  expect((await growing.read(10)).length).toBe(10)
  appendFileSync(join(folder, 'b.md'), 'x'.repeat(100_000))
  await expect(growing.read(10)).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_TOO_LARGE' })
})

test('openFile() neither follows a link nor waits for a pipe', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  symlinkSync('a.md', join(folder, 'link.md'))
  execFileSync('mkfifo', [join(folder, 'pipe.md')])
  for (const name of ['link.md', 'pipe.md', 'missing.md', '.'])
    await expect(openFile(join(folder, name), name, 0)).rejects.toMatchObject({ code: 'DOCUMENTS_FILE_UNREADABLE' })
})

function disposable<T extends { close(): Promise<void> }>(file: T): T & AsyncDisposable {
  return Object.assign(file, { [Symbol.asyncDispose]: () => file.close() })
}
