import { createHash } from 'node:crypto'
import { isError } from '@keelson/kernel'
import { expect, test } from 'vitest'
import { contentOf } from '../../src/domain/content.ts'
import { draftUpload, normalisePath } from '../../src/domain/upload.ts'

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return isError(error) ? error.code : String(error)
  }
  return 'none'
}

test('normalisePath() keeps good paths, in composed form and without "."', () => {
  expect(normalisePath('a/b.md')).toBe('a/b.md')
  expect(normalisePath('./a/./b.md')).toBe('a/b.md')
  expect(normalisePath('cafe\u0301.md')).toBe('caf\u00e9.md')
  expect(normalisePath('..a/b...md')).toBe('..a/b...md')
})

test('normalisePath() refuses paths that lead elsewhere or cannot be shown', () => {
  const bad = [
    '/a.md',
    'C:/a.md',
    'c:a.md',
    '../a.md',
    'a/../b.md',
    'a\\b.md',
    'a//b.md',
    'a/',
    'a\nb.md',
    'a\u0000.md',
    'a\u0085.md',
    '\ud800.md',
    '.',
    './.',
  ]
  for (const path of bad) expect([path, codeOf(() => normalisePath(path))]).toEqual([path, 'DOCUMENTS_PATH_INVALID'])
})

const readers = { read: contentOf }

test('draftUpload() refuses content that is no text, too large or of another type', async () => {
  const upload = async (path: string, content: string, encoding: 'utf-8' | 'base64' = 'utf-8') => {
    try {
      await draftUpload({ path, content, encoding }, { readers, maxBytes: 10, now: 0 })
      return 'none'
    } catch (error) {
      return isError(error) ? error.code : String(error)
    }
  }
  expect(await upload('a.png', 'x')).toBe('DOCUMENTS_FILE_UNSUPPORTED')
  expect(await upload('a.md', '')).toBe('DOCUMENTS_FILE_EMPTY')
  expect(await upload('a.md', 'a\0')).toBe('DOCUMENTS_FILE_BINARY')
  expect(await upload('a.md', '/w==', 'base64')).toBe('DOCUMENTS_FILE_ENCODING')
  expect(await upload('a.md', 'é'.repeat(6))).toBe('DOCUMENTS_FILE_TOO_LARGE')
  expect(await upload('a.md', 'é'.repeat(5))).toBe('none')
})

test('draftUpload() derives the id from the path and keeps a text that PostgreSQL can hold', async () => {
  const about = { readers, maxBytes: 100, now: 7 }
  const draft = await draftUpload({ path: './a.md', content: '\ufeff# Keel \ud800', encoding: 'utf-8' }, about)
  expect(draft).toMatchObject({
    folder: '',
    path: 'a.md',
    title: 'Keel \ufffd',
    type: 'markdown',
    modifiedAt: 7,
    text: '# Keel \ufffd',
  })
  expect(draft.id).toBe(createHash('sha256').update('\na.md').digest('hex').slice(0, 24))
  expect((await draftUpload({ path: 'a.md', content: 'other', encoding: 'utf-8' }, about)).id).toBe(draft.id)
})
