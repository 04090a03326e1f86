import { isError } from '@keelson/kernel'
import { expect, test } from 'vitest'
import { decode } from '../../../src/domain/formats/decode.ts'
import { formatOf } from '../../../src/domain/formats/formats.ts'

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return isError(error) ? error.code : String(error)
  }
  return 'none'
}

test('decode() reads UTF-8 with and without a byte order mark and keeps line ends', () => {
  expect(decode(Buffer.from('Kiel é 船 😀\r\nnext\n'), 'a.md')).toBe('Kiel é 船 😀\r\nnext\n')
  expect(decode(Buffer.from('\ufeffKiel'), 'a.md')).toBe('Kiel')
  expect(decode(Buffer.from('\ufeff\ufeffKiel'), 'a.md')).toBe('Kiel')
  expect(decode(Buffer.from('a\ufeffb'), 'a.md')).toBe('a\ufeffb')
})

test('decode() refuses what is no text, each by its own name', () => {
  expect(codeOf(() => decode(new Uint8Array(), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('\ufeff'), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('a\0b'), 'a.md'))).toBe('DOCUMENTS_FILE_BINARY')
  expect(codeOf(() => decode(Buffer.from('keel', 'utf16le'), 'a.md'))).toBe('DOCUMENTS_FILE_BINARY')
  for (const bytes of [[0xff], [0xc3], [0x61, 0xe9, 0x62], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf0, 0x9f, 0x98]])
    expect(codeOf(() => decode(Uint8Array.from(bytes), 'a.md'))).toBe('DOCUMENTS_FILE_ENCODING')
})

test('formatOf() goes by the extension in any case', () => {
  const typeOf = (path: string) => formatOf(path).type
  expect(['a.md', 'b/c.markdown', 'README.MD', 'x.y.md'].map(typeOf)).toEqual(Array(4).fill('markdown'))
  expect(['a.txt', 'b.Text', 'c.pdf', 'd.TS'].map(typeOf)).toEqual(['text', 'text', 'pdf', 'code'])
  for (const path of ['a.png', 'a', 'a.md.bak', '.md', 'folder.md/file', 'a.'])
    expect(codeOf(() => formatOf(path))).toBe('DOCUMENTS_FILE_UNSUPPORTED')
})
