import { createHash } from 'node:crypto'
import { isError } from '@keelson/kernel'
import { expect, test } from 'vitest'
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

test('draftUpload() refuses content that is no text, too large or of another type', () => {
  const upload = (path: string, content: string) => () => draftUpload({ path, content }, 10, 0)
  expect(codeOf(upload('a.pdf', 'x'))).toBe('DOCUMENTS_FILE_UNSUPPORTED')
  expect(codeOf(upload('a.md', ''))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(upload('a.md', 'a\0'))).toBe('DOCUMENTS_FILE_BINARY')
  expect(codeOf(upload('a.md', 'é'.repeat(6)))).toBe('DOCUMENTS_FILE_TOO_LARGE')
  expect(codeOf(upload('a.md', 'é'.repeat(5)))).toBe('none')
})

test('draftUpload() derives the id from the path and keeps a text that PostgreSQL can hold', () => {
  const draft = draftUpload({ path: './a.md', content: '\ufeff# Keel \ud800' }, 100, 7)
  expect(draft).toMatchObject({
    folder: '',
    path: 'a.md',
    title: 'Keel \ufffd',
    type: 'markdown',
    modifiedAt: 7,
    text: '# Keel \ufffd',
  })
  expect(draft.id).toBe(createHash('sha256').update('\na.md').digest('hex').slice(0, 24))
  expect(draftUpload({ path: 'a.md', content: 'other' }, 100, 8).id).toBe(draft.id)
})
