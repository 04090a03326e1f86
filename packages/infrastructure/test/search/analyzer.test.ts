import { describe, expect, it } from 'vitest'
import { analyze, queryTerms, tokenize } from '../../src/search/analyzer.ts'

describe('tokenize()', () => {
  it('says where in the text each term stands', () => {
    expect(tokenize('The fooBar’s keels')).toEqual([
      { term: '=the', start: 0, end: 3, kind: 'stop' },
      { term: 'foobar', start: 4, end: 12, kind: 'compound' },
      { term: 'foo', start: 4, end: 7, kind: 'word' },
      { term: 'bar', start: 7, end: 12, kind: 'word' },
      { term: 'keel', start: 13, end: 18, kind: 'word' },
    ])
  })

  it('finds a word that is broken at the end of a line, whether or not its hyphen belongs to it', () => {
    expect(tokenize('main-\n  tenance')).toEqual([
      { term: 'mainten', start: 0, end: 15, kind: 'compound' },
      { term: 'main', start: 0, end: 4, kind: 'word' },
      { term: 'tenanc', start: 8, end: 15, kind: 'word' },
    ])
    expect(analyze('a well-\r\nknown ship')).toEqual(expect.arrayContaining(['well', 'known', 'wellknown']))
    expect(analyze('main\u00ad\ntenance')).toContain('mainten')
    // A list, a range or a name is not one word.
    for (const text of ['keel -\nmast', 'keel-\nMast', 'keel-\n\nmast', '7-\n8'])
      expect(tokenize(text).some(({ kind }) => kind === 'compound')).toBe(false)
    expect(tokenize('a-\n'.repeat(100_000)).length).toBeGreaterThan(100_000)
  })

  it('sees through characters that nobody sees and hyphens that look alike', () => {
    for (const text of ['main\u00adtenance', 'main\u200btenance', '\u200emain\u2060ten\ufeffance\u200f', 'maintenance'])
      expect(analyze(text)).toEqual(['mainten'])
    expect(analyze('COVID\u201119')).toEqual(analyze('COVID-19'))
  })

  it('gives the tokens of a chain again, wherever it stands', () => {
    const [first, second, third] = tokenize('keelson, keelson keelson')
    expect([first?.start, second?.start, third?.start]).toEqual([0, 9, 17])
  })

  it('forgets nothing that matters when it has met more words than it remembers', () => {
    const numbers = Array.from({ length: 120_000 }, (_, number) => `word${number}`)
    const before = tokenize('keels word7 word119999')
    tokenize(numbers.join(' '))
    expect(tokenize('keels word7 word119999')).toEqual(before)
  })

  it('has each token inside the text, and the tokens in order, for any characters', () => {
    const pieces = [
      'a',
      'B',
      '9',
      'é',
      '安',
      'カ',
      '한',
      '\u1112\u1161',
      '\u0301',
      '\u200D',
      '\uD83D',
      '😀',
      "'",
      '.',
      '-',
      '_',
      ',',
      ' ',
    ]
    for (let seed = 1; seed < 20_000; seed += 7) {
      const text = Array.from(
        { length: 8 },
        (_, place) => pieces[(seed * (place + 3) * 2_654_435_761) % pieces.length],
      ).join('')
      let last = 0
      for (const { term, start, end } of tokenize(text)) {
        expect(term).not.toBe('')
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThan(start)
        expect(end).toBeLessThanOrEqual(text.length)
        last = start
      }
    }
  })
})

describe('analyze()', () => {
  it('copes with letters that carry very many marks', () => {
    expect(analyze(`a${'\u0301'.repeat(200_000)} ह${'\u093F'.repeat(200_000)}`)).toHaveLength(2)
  })

  const cases: [what: string, text: string, terms: string[]][] = [
    [
      'folds case, accents, width and ligatures',
      'ÉLÈVE ﬁne ＦＵＬＬ Straße Łódź',
      ['elev', 'fine', 'full', 'strass', 'lodz'],
    ],
    ['keeps what are letters of their own', 'йод हिन्दी', ['йод', 'हिन्दी']],
    ['drops vowel signs and evens out variants in Arabic', 'مُحَمَّد أحمد مكتبة', ['محمد', 'احمد', 'مكتبه']],
    [
      'evens out alef, hamza, tatweel and ligatures in Arabic',
      'إسلام آمن ٱلله كـــتاب ﻻ شيئ',
      ['اسلام', 'امن', 'الله', 'كتاب', 'لا', 'شيي'],
    ],
    [
      'drops the Arabic article, and keeps short words whole',
      'الكتاب والكتاب بالبحر للكتاب الله ال',
      ['كتاب', 'كتاب', 'بحر', 'كتاب', 'الله', 'ال'],
    ],
    ['evens out Persian and Urdu letters', 'کتاب ہوا ۱۲', ['كتاب', 'هوا', '12']],
    ['takes Cyrillic yo for ye, and keeps short i', 'Ёлка ёж йод Київ', ['елка', 'еж', 'йод', 'київ']],
    ['drops Hebrew points and Greek accents', 'שָׁלוֹם Ναῦς ναυσ', ['שלום', 'ναυσ', 'ναυσ']],
    ['keeps vowel signs of Devanagari', 'हिन्दी में', ['हिन्दी', 'में']],
    ['pairs Han whatever the form, and kana with it', '繁體中文', ['繁', '繁體', '體', '體中', '中', '中文', '文']],
    ['pairs Thai', 'ภาษาไทย', ['ภา', 'าษ', 'ษา', 'าไ', 'ไท', 'ทย']],
    ['takes half-width kana for kana', 'ｱｲｳ ﾃﾞｰﾀ', ['アイ', 'イウ', 'デー', 'ータ']],
    [
      'spells out letters that other Latin alphabets have',
      'Ørsted Þór đường İstanbul ığdır',
      ['orst', 'thor', 'duong', 'istanbul', 'igdir'],
    ],
    [
      'keeps the marks of programming languages',
      'C++, C# and g++; a # b + c',
      ['c++', 'c', 'c#', 'c', '=and', 'g++', 'g', '=a', 'b', 'c'],
    ],
    ['finds versions with and without their mark', 'v1.2.3 1.2.3', ['v1.2.3', '1.2.3', '1.2.3']],
    [
      'takes paths, modules and error codes apart',
      'src/read-file.ts node:fs E_NO_ENT',
      ['src', 'readfilet', 'read', 'file', 'ts', 'node', 'fs', 'enoent', 'e', '=no', 'ent'],
    ],
    ['takes apostrophes apart', "ship's O'Neill l’homme don't", ['ship', 'oneil', 'homm', '=dont']],
    ['keeps numbers whole', '1,000 2.5 3.14.15 ٣٤', ['1000', '2.5', '3.14.15', '34']],
    ['keeps words with digits whole', 'p53 H2O utf8', ['p53', 'h2o', 'utf8']],
    ['keeps short humps whole', 'mRNA iPhone', ['mrna', 'iphon']],
    [
      'takes identifiers whole and apart',
      'HTMLParser MAX_SIZE',
      ['htmlparser', 'html', 'parser', 'maxsiz', 'max', 'size'],
    ],
    ['takes words joined by a hyphen apart', 'low-density', ['low', 'densiti']],
    ['takes names with a letter or number whole and apart', 'COVID-19', ['covid19', 'covid', '19']],
    ['takes initials for one word', 'the U.S.A. e.g. here', ['=the', 'usa', '=eg', '=here']],
    ['pairs characters of scripts without spaces', 'タワー 東京 水', ['タワ', 'ワー', '東', '東京', '京', '水']],
    ['composes Hangul that was taken apart', '한국'.normalize('NFD'), ['한', '한국', '국']],
  ]
  for (const [what, text, terms] of cases) it(what, () => expect(analyze(text)).toEqual(terms))
})

describe('queryTerms()', () => {
  it('counts how often each term is asked for', () => {
    expect(Object.fromEntries(queryTerms('keel keels the mast'))).toEqual({ keel: 2, mast: 1 })
  })

  it('asks for stop words only when there is nothing else', () => {
    expect([...queryTerms('To be or not to be').keys()]).toEqual(['=to', '=be', '=or', '=not'])
  })

  it('asks for pairs within a run, and for a character that stands alone', () => {
    expect([...queryTerms('安装 水').keys()]).toEqual(['安装', '水'])
  })
})
