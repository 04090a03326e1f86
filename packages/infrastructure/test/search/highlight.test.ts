import { describe, expect, it } from 'vitest'
import { highlight, snippet } from '../../src/search/highlight.ts'

const marked = (text: string, query: string) => highlight(text, query).map(([start, end]) => text.slice(start, end))

describe('highlight()', () => {
  it('marks words whose terms the query asks for, whatever their form', () => {
    expect(marked('Indexing: the index of indexes.', 'indexed')).toEqual(['Indexing', 'index', 'indexes'])
  })

  it('marks nothing for stop words beside other words, and stop words when there is nothing else', () => {
    expect(marked('the keel of the ship', 'the keel')).toEqual(['keel'])
    expect(marked('To be, or not to be', 'to be')).toEqual(['To', 'be', 'to', 'be'])
  })

  it('gives offsets into the original text behind surrogate pairs and characters that fold to more or fewer', () => {
    const cases: [text: string, query: string, expected: string[]][] = [
      ['😀😀 keel 😀', 'keel', ['keel']],
      ['𝐤𝐞𝐞𝐥 mast', 'keel', ['𝐤𝐞𝐞𝐥']],
      ['ﬁne ﬁsh ﬁre', 'fish fire', ['ﬁsh', 'ﬁre']],
      ['İİİ İstanbul şehri', 'istanbul', ['İstanbul']],
      ['Straße, ẞẞ, GROẞ', 'strasse gross', ['Straße', 'GROẞ']],
      ['cafe\u0301 cafe\u0301s café', 'cafe', ['cafe\u0301', 'cafe\u0301s', 'café']],
      ['co\u00ADoperate', 'cooperate', ['co\u00ADoperate']],
      ['ﷺ محمد', 'محمد', ['محمد']],
      ['㍿ ｶﾞｲﾄﾞ', 'ガイド', ['ｶﾞｲﾄﾞ']],
      ['\u{20000}\u{20001}を読む', '\u{20000}\u{20001}', ['\u{20000}\u{20001}']],
    ]
    for (const [text, query, expected] of cases) expect(marked(text, query), text).toEqual(expected)
  })

  it('joins what overlaps or touches', () => {
    expect(marked('如何安装搜索引擎', '安装搜索')).toEqual(['安装搜索'])
    expect(highlight('call fooBar()', 'fooBar')).toEqual([[5, 11]])
    expect(marked('call fooBar()', 'bar')).toEqual(['Bar'])
    expect(marked('foo_bar and foo-bar.ts', 'foobar')).toEqual(['foo_bar'])
  })

  it('is sorted and without overlap for any text', () => {
    const text = 'foo-bar.ts fooBar.bazQux 安装安装 U.S.A. 1,000.5 e-mail l’été 한국어 '.repeat(20)
    let last = -1
    for (const [start, end] of highlight(text, text)) {
      expect(start).toBeGreaterThan(last)
      expect(end).toBeGreaterThan(start)
      last = end
    }
    expect(last).toBeLessThanOrEqual(text.length)
  })

  it('marks nothing for a query or a text without words', () => {
    expect(highlight('keel', '')).toEqual([])
    expect(highlight('', 'keel')).toEqual([])
    expect(highlight('keel', '?!')).toEqual([])
  })
})

describe('snippet()', () => {
  const filler = 'lorem ipsum dolor sit amet '.repeat(30)
  const shown = (text: string, query: string, maxLength?: number) => snippet(text, highlight(text, query), maxLength)

  it('is the whole text when that is short enough', () => {
    expect(shown('  The keel.  ', 'keel')).toBe('The keel.')
  })

  it('shows the part with the most different words, not with the most repetitions', () => {
    const text = `${filler}keel keel keel keel ${filler}keel and mast ${filler}`
    const part = shown(text, 'keel mast')
    expect(part).toContain('keel and mast')
    expect(part.length).toBeLessThanOrEqual(240)
    expect(part).toMatch(/^….*…$/)
  })

  it('takes forms of one word for one word', () => {
    const text = `${filler}keels keel ${filler}keel mast ${filler}`
    expect(shown(text, 'keel mast', 60)).toContain('keel mast')
  })

  it('cuts between words and has an ellipsis only where something was cut', () => {
    const text = `Keel ${filler}`
    const part = shown(text, 'keel', 50)
    expect(part).toMatch(/^Keel .*[a-z]…$/)
    expect(text.split(/\s+/)).toEqual(expect.arrayContaining(part.slice(0, -1).split(' ')))
    expect(shown(`${filler}the keel.`, 'keel', 50)).toMatch(/^…[a-z ]+ the keel\.$/)
  })

  it('keeps the last matching word when no room is left behind it', () => {
    const text = `${'x'.repeat(300)} keel,${'y'.repeat(20)},mast,${'z'.repeat(300)}`
    expect(shown(text, 'keel mast', 34)).toBe(`…keel,${'y'.repeat(20)},mast,…`)
  })

  it('starts at the beginning when nothing is marked', () => {
    expect(snippet(filler, [], 20)).toBe('lorem ipsum dolor…')
  })

  it('never parts a surrogate pair where there are no words to cut between', () => {
    const text = '\u{20000}'.repeat(400)
    for (let maxLength = 10; maxLength < 20; maxLength++) {
      const part = snippet(text, [[400, 402]], maxLength)
      expect(part.isWellFormed()).toBe(true)
      expect(part.length).toBeLessThanOrEqual(maxLength)
    }
  })

  it('cuts a highlight that is longer than the snippet', () => {
    const text = `${filler}${'安装'.repeat(200)}`
    const part = snippet(text, [[filler.length, text.length]], 30)
    expect(part).toBe(`…${'安装'.repeat(14)}…`)
  })
})
