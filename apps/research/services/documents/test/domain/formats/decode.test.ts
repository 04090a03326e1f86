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

test('decode() reads UTF-16 with a byte order mark', () => {
  const text = 'Kiel é 船 😀\r\nnext\n'
  const little = Buffer.from(`\ufeff${text}`, 'utf16le')
  expect(decode(little, 'a.csv')).toBe(text)
  expect(decode(Buffer.from(little).swap16(), 'a.csv')).toBe(text)
  expect(codeOf(() => decode(Buffer.from([0xff, 0xfe]), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('\ufeffa\0', 'utf16le'), 'a.md'))).toBe('DOCUMENTS_FILE_BINARY')
})

test('decode() reads Western text of eight bits', () => {
  expect(decode(Buffer.from('Grüße aus dem Süden, señor', 'latin1'), 'a.txt')).toBe('Grüße aus dem Süden, señor')
  expect(decode(Uint8Array.from([0x93, 0x4b, 0x69, 0x65, 0x6c, 0x94, 0x20, 0x80, 0x35]), 'a.txt')).toBe('“Kiel” €5')
  // The last letter and the space before the quotation mark happen to be one character of UTF-8.
  expect(decode(Buffer.from('« le CAFÉ\xa0» déjà vu', 'latin1'), 'a.txt')).toBe('« le CAFÉ\xa0» déjà vu')
})

test('decode() goes by the encoding that is declared before it guesses', () => {
  const russian = Uint8Array.from([0xea, 0xe8, 0xeb, 0xfc])
  expect(codeOf(() => decode(russian, 'a.txt'))).toBe('DOCUMENTS_FILE_ENCODING')
  expect(decode(russian, 'a.html', 'windows-1251')).toBe('киль')
  expect(codeOf(() => decode(russian, 'a.html', 'no-such-encoding'))).toBe('DOCUMENTS_FILE_ENCODING')
  expect(decode(Buffer.from('kéel'), 'a.html', 'windows-1251')).toBe('kéel')
})

test('decode() refuses what is no text, each by its own name', () => {
  expect(codeOf(() => decode(new Uint8Array(), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('\ufeff'), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('a\0b'), 'a.md'))).toBe('DOCUMENTS_FILE_BINARY')
  expect(codeOf(() => decode(Buffer.from('keel', 'utf16le'), 'a.md'))).toBe('DOCUMENTS_FILE_BINARY')
  const cutShort = [...Buffer.from('naïve, déjà vu: caf')].concat(0xc3)
  for (const bytes of [
    [0xff],
    [0xc3],
    [0xed, 0xa0, 0x80],
    [0xc0, 0xaf],
    [0xf0, 0x9f, 0x98],
    [0x61, 0x62, 0xe9, 0x02],
    cutShort,
  ])
    expect(codeOf(() => decode(Uint8Array.from(bytes), 'a.md'))).toBe('DOCUMENTS_FILE_ENCODING')
})

test('formatOf() goes by the extension in any case', () => {
  const typeOf = (path: string) => formatOf(path).type
  expect(['a.md', 'b/c.markdown', 'README.MD', 'x.y.md'].map(typeOf)).toEqual(Array(4).fill('markdown'))
  expect(['a.txt', 'b.Text', 'c.pdf', 'd.TS'].map(typeOf)).toEqual(['text', 'text', 'pdf', 'code'])
  for (const path of ['a.png', 'a', 'a.md.bak', '.md', 'folder.md/file', 'a.'])
    expect(codeOf(() => formatOf(path))).toBe('DOCUMENTS_FILE_UNSUPPORTED')
})
