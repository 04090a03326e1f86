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

/** Text in an encoding of one byte. */
function encoded(encoding: string, text: string): Uint8Array {
  const decoder = new TextDecoder(encoding)
  const bytes = new Map(Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]))
  return Uint8Array.from(text, (character) => bytes.get(character) ?? 63)
}

test('decode() reads what is declared by any of its names, and no lie', () => {
  const russian = 'Киль'
  for (const [label, encoding] of [
    ['koi8-r', 'koi8-r'],
    ['CP1251', 'windows-1251'],
    ['"x-cp1251"', 'windows-1251'],
    ['cp866', 'ibm866'],
    ['ISO_8859-5', 'iso-8859-5'],
  ] as const)
    expect([label, decode(encoded(encoding, russian), 'a.html', label)]).toEqual([label, russian])
  expect(decode(Buffer.from('8b9e93', 'hex').subarray(0, 2), 'a.html', 'ms932')).toBe('京')
  expect(decode(Buffer.from('\u001b$BEl5~\u001b(B'), 'a.txt')).toBe('東京')
  // Encodings that look like ASCII and that cannot be read.
  for (const label of ['utf-7', 'hz-gb-2312', 'iso-2022-kr'])
    expect(codeOf(() => decode(Buffer.from('~{<:Ky2;~}'), 'a.html', label))).toBe('DOCUMENTS_FILE_ENCODING')
  expect(codeOf(() => decode(Buffer.from('\u001b$)C\u000e0!'), 'a.txt'))).toBe('DOCUMENTS_FILE_ENCODING')
  expect(decode(Buffer.from('東京'), 'a.html', 'shift_jis')).toBe('東京')
  expect(decode(Buffer.from('kéel'), 'a.html', 'utf-16')).toBe('kéel')
})

test('decode() tells the encoding of a text that names none, or refuses it', () => {
  const texts = {
    'windows-1251': 'Корабль стоит в гавани, и матросы поднимают парус.',
    'koi8-r': 'Корабль стоит в гавани, и матросы поднимают парус.',
    ibm866: 'Корабль стоит в гавани, и матросы поднимают парус.',
    'windows-1253': 'Το πλοίο είναι στο λιμάνι και οι ναύτες σηκώνουν τα πανιά.',
    'windows-1250': 'Statek stoi w porcie, a żeglarze podnoszą żagle. Łódź płynie dalej, dzięki wiatrowi.',
    'windows-1254': 'Gemi limanda duruyor ve denizciler yelkenleri açıyor. Şişli’de güneşli bir gün.',
    macintosh: 'Le café où les élèves étudient à Noël, près de la forêt.',
  }
  for (const [encoding, text] of Object.entries(texts)) expect(decode(encoded(encoding, text), 'a.txt')).toBe(text)
  const japanese = '938c8b9e8d6082c9914482aa93fc82e882dc82b582bd814296be93fa82cd8f6f8d7182b582dc82b78142'
  expect(decode(Buffer.from(japanese, 'hex'), 'a.txt')).toBe('東京港に船が入りました。明日は出航します。')
  for (const text of ['Keel', 'Kiel é 船']) {
    const wide = Buffer.from(`${text} and the mast`, 'utf16le')
    expect(decode(wide, 'a.txt')).toBe(`${text} and the mast`)
    expect(decode(Buffer.from(wide).swap16(), 'a.txt')).toBe(`${text} and the mast`)
  }
  // Too short, or of encodings that look like others.
  for (const hex of ['938c8b9e', 'b1b1bea9', '63618266', 'e0a4bfc1a0'])
    expect([hex, codeOf(() => decode(Buffer.from(hex, 'hex'), 'a.txt'))]).toEqual([hex, 'DOCUMENTS_FILE_ENCODING'])
  // One broken character in a long text is no reason to lose the rest.
  const damaged = Buffer.concat([Buffer.from('déjà vu '.repeat(1_000)), Buffer.of(0xc3), Buffer.from(' end')])
  expect(decode(damaged, 'a.txt')).toMatch(/\ufffd end$/)
})

test('decode() refuses what is no text, each by its own name', () => {
  expect(codeOf(() => decode(new Uint8Array(), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('\ufeff'), 'a.md'))).toBe('DOCUMENTS_FILE_EMPTY')
  expect(codeOf(() => decode(Buffer.from('a\0b'), 'a.md'))).toBe('DOCUMENTS_FILE_BINARY')
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
