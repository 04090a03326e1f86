import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scan } from '../../src/domain/scan.ts'
import { asOrdinaryUser } from '../ordinary-user.ts'
import { temporaryFolder, writeFiles } from '../temporary-folder.ts'

/** Each thing found as `path` or `path CODE`. */
async function found(folder: string): Promise<string[]> {
  const lines: string[] = []
  for await (const item of scan(folder))
    lines.push(item.kind === 'file' ? item.path : `${item.path} ${item.error.code}`)
  return lines
}

test('scan() finds text files in a fixed order, reports others and passes over what is hidden', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, {
    'b.md': 'b',
    'a/z.txt': 'z',
    'a/deep/er/x.MARKDOWN': 'x',
    'a/image.png': '',
    'Z.text': 'z',
    '.hidden.md': '',
    '.git/x.md': '',
    'node_modules/x.md': '',
    'a/node_modules/y/x.md': '',
    'name with "quotes" & 船.md': 'x',
  })
  expect(await found(folder)).toEqual([
    'Z.text',
    'a/deep/er/x.MARKDOWN',
    'a/image.png DOCUMENTS_FILE_UNSUPPORTED',
    'a/z.txt',
    'b.md',
    'name with "quotes" & 船.md',
  ])
})

test('scan() finds nothing in an empty folder', async () => {
  expect(await found(temporaryFolder())).toEqual([])
})

test('scan() follows links inside the folder, each real place once, and none that lead out', async () => {
  const outside = temporaryFolder()
  writeFiles(outside, { 'secret.md': 'secret' })
  const folder = temporaryFolder()
  writeFiles(folder, { 'real/one.md': '1', '.kept/two.md': '2', '.kept/more/three.md': '3' })
  symlinkSync(folder, join(folder, 'a-loop'))
  symlinkSync('..', join(folder, 'real/up'))
  symlinkSync('real', join(folder, 'again'))
  symlinkSync('one.md', join(folder, 'real/alias.md'))
  symlinkSync('.kept', join(folder, 'kept'))
  symlinkSync('../..', join(folder, '.kept/more/up'))
  symlinkSync(outside, join(folder, 'out'))
  symlinkSync(join(outside, 'secret.md'), join(folder, 'out.md'))
  symlinkSync('missing.md', join(folder, 'dangling.md'))
  symlinkSync('self.md', join(folder, 'self.md'))
  expect(await found(folder)).toEqual([
    'real/one.md',
    'dangling.md DOCUMENTS_FILE_UNREADABLE',
    'kept/more/three.md',
    'kept/two.md',
    'out DOCUMENTS_LINK_OUTSIDE',
    'out.md DOCUMENTS_LINK_OUTSIDE',
    'self.md DOCUMENTS_FILE_UNREADABLE',
  ])
})

test('scan() does not take a folder whose name begins alike for the inside', async () => {
  const parent = temporaryFolder()
  writeFiles(parent, { 'docs/a.md': 'a', 'docs-private/b.md': 'b' })
  symlinkSync('../docs-private', join(parent, 'docs/link'))
  expect(await found(join(parent, 'docs'))).toEqual(['a.md', 'link DOCUMENTS_LINK_OUTSIDE'])
})

test('scan() reports names that are not UTF-8 or hold control characters', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'line\nbreak.md': 'x', 'ok.md': 'x' })
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff]), Buffer.from('.md')]), 'x')
  expect(await found(folder)).toEqual([
    'f\ufffd.md DOCUMENTS_FILE_NAME',
    'line\ufffdbreak.md DOCUMENTS_FILE_NAME',
    'ok.md',
  ])
})

test('scan() reports a pipe instead of waiting for it', async () => {
  const folder = temporaryFolder()
  execFileSync('mkfifo', [join(folder, 'pipe.md')])
  expect(await found(folder)).toEqual(['pipe.md DOCUMENTS_FILE_UNSUPPORTED'])
})

test('scan() reports a folder inside that may not be read and goes on', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'closed/a.md': 'a', 'open/b.md': 'b' })
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'closed'), 0o000)
  expect(await asOrdinaryUser(() => found(folder))).toEqual(['closed DOCUMENTS_FILE_UNREADABLE', 'open/b.md'])
  chmodSync(join(folder, 'closed'), 0o700)
})

test('scan() rejects when the folder itself is missing or is a file', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'a' })
  await expect(found(join(folder, 'missing'))).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_MISSING' })
  await expect(found(join(folder, 'a.md'))).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_UNREADABLE' })
})

test('scan() stops when the signal aborts', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a/1.md': '1', 'b/2.md': '2' })
  const stop = new AbortController()
  const walk = scan(folder, stop.signal)
  expect((await walk.next()).value).toMatchObject({ path: 'a/1.md' })
  stop.abort(new Error('enough'))
  await expect(walk.next()).rejects.toThrow('enough')
})

test('scan() goes on when a folder vanishes while it walks', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a/1.md': '1', 'b/2.md': '2', 'c.md': '3' })
  mkdirSync(join(folder, 'd'))
  const walk = scan(folder)
  await walk.next()
  rmSync(join(folder, 'b'), { recursive: true })
  expect((await walk.next()).value).toMatchObject({ path: 'b', unseen: false })
  expect((await walk.next()).value).toMatchObject({ path: 'c.md' })
})
