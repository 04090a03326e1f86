import { describe, expect, it } from 'vitest'
import { blocksOf, cutAt, inlinesOf } from '../src/markdown.ts'

const drawn = (source: string) =>
  inlinesOf(source, 0, source.length)
    .filter(({ kind }) => kind !== 'bullet')
    .map(({ start, end }) => source.slice(start, end))
    .join('')

describe('blocksOf()', () => {
  const kinds = (source: string) =>
    blocksOf(source, 'markdown').map(({ kind, start, end }) => [kind, source.slice(start, end)])

  it('blocksOf() tells headings, paragraphs, items, quotations and code apart', () => {
    expect(kinds('# Hull\nOne\ntwo\n\n- a\n  more\n- b\n1. c\n> said\n\n```js\nlet x\n```\nafter')).toEqual([
      ['heading-1', '# Hull'],
      ['paragraph', 'One\ntwo'],
      ['item', '- a\n  more'],
      ['item', '- b'],
      ['numbered', '1. c'],
      ['quote', '> said'],
      ['code', 'let x'],
      ['paragraph', 'after'],
    ])
  })

  it('blocksOf() keeps a fence that is never closed as code', () => {
    expect(kinds('```\n# no heading')).toEqual([['code', '# no heading']])
  })

  it('blocksOf() takes plain text as it stands', () => {
    expect(blocksOf('# a\r\n- b\r\n\r\nc', 'text').map(({ kind }) => kind)).toEqual(['verbatim', 'verbatim'])
  })

  it('cutAt() leaves no block across the offset', () => {
    expect(cutAt([{ kind: 'paragraph', start: 2, end: 9 }], 5)).toEqual([
      { kind: 'paragraph', start: 2, end: 5 },
      { kind: 'paragraph', start: 5, end: 9 },
    ])
    expect(cutAt([{ kind: 'paragraph', start: 2, end: 9 }], 9)).toHaveLength(1)
  })
})

describe('inlinesOf()', () => {
  it('inlinesOf() leaves out the marks and keeps the words', () => {
    expect(drawn('**Bold** and *soft* with `code` and [a link](https://example.org/x "title").')).toBe(
      'Bold and soft with code and a link.',
    )
    expect(drawn('[![badge](a.svg)](https://example.org) <br> text')).toBe('badge  text')
  })

  it('inlinesOf() takes a fence as one piece of code, without its language', () => {
    const source = 'So:\n```ts\nconst a = 1 // *b*\n# c\n```\nDone.'
    expect(inlinesOf(source, 0, source.length).map(({ kind, start, end }) => [kind, source.slice(start, end)])).toEqual(
      [
        ['text', 'So:\n'],
        ['code', 'const a = 1 // *b*\n# c'],
        ['text', 'Done.'],
      ],
    )
  })

  it('inlinesOf() takes a passage that begins inside a fence for what it is', () => {
    const source = 'last line\n```\n\nProse **here**.\n\n```sh\n# start\n```'
    const codes = inlinesOf(source, 0, source.length).filter(({ kind }) => kind === 'code')
    expect(codes.map(({ start, end }) => source.slice(start, end))).toEqual(['# start'])
  })

  it('inlinesOf() keeps underscores inside words and code as written', () => {
    expect(drawn('snake_case_name and `a_b_c` and 2 * 3 * 4')).toBe('snake_case_name and a_b_c and 2 * 3 * 4')
  })

  it('inlinesOf() makes links of web addresses only', () => {
    const links = (source: string) => inlinesOf(source, 0, source.length).filter(({ kind }) => kind === 'link')
    expect(links('[a](https://example.org)')).toHaveLength(1)
    expect(links('[a](javascript:alert%281%29) [b](./other.md)')).toHaveLength(0)
  })

  it('inlinesOf() is quick with what looks like marks and is none', () => {
    for (const hostile of [
      '*'.repeat(90_000),
      '['.repeat(90_000),
      '`'.repeat(90_001),
      `${'_a'.repeat(30_000)} `,
      '<a '.repeat(30_000),
      '!['.repeat(30_000),
    ])
      expect(inlinesOf(hostile, 0, hostile.length).length).toBeGreaterThanOrEqual(0)
  })
})
