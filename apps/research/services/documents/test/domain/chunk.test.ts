import { expect, test } from 'vitest'
import { chunk, type Span } from '../../src/domain/chunk.ts'
import { randomMarkdown, type SeededRandom, seededRandom } from '../seeded-random.ts'

const longestPassage = 15_000

function wordsOf(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

function expectToCover(text: string, passages: readonly Span[]): void {
  expect(passages[0]?.start ?? 0).toBe(0)
  expect(passages.at(-1)?.end ?? 0).toBe(text.length)
  for (const [index, { start, end }] of passages.entries()) {
    expect(end - start).toBeGreaterThan(0)
    expect(end - start).toBeLessThanOrEqual(longestPassage)
    expect(text.slice(start, end).isWellFormed()).toBe(true)
    const next = passages[index + 1]
    if (!next) continue
    expect(next.start).toBeGreaterThan(start)
    expect(next.start).toBeLessThanOrEqual(end)
    expect(next.end).toBeGreaterThan(end)
  }
}

const pieces = [
  'a',
  'keel ',
  'hull',
  '. ',
  '\n',
  '\n\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '船',
  '龍骨',
  '。',
  '😀',
  '𠮷',
  'é',
  'x'.repeat(200),
  ' '.repeat(90),
  '🏴‍☠️',
]

function randomText(random: SeededRandom, length: number): string {
  return Array.from({ length }, () => random.pick(pieces)).join('')
}

test('chunk() covers any text without a gap, in order, with bounded passages that split no surrogate pair', () => {
  const random = seededRandom(1)
  for (let round = 0; round < 60; round++) {
    const text = randomText(random, random.below(3_000))
    expectToCover(text, chunk(text))
  }
})

test('chunk() makes passages of about 256 words that overlap by about 64', () => {
  const random = seededRandom(2)
  for (let round = 0; round < 20; round++) {
    const text = randomMarkdown(random, 300 + random.below(5_000))
    const passages = chunk(text)
    expectToCover(text, passages)
    for (const [index, { start, end }] of passages.entries()) {
      const next = passages[index + 1]
      if (!next) continue
      expect(wordsOf(text.slice(start, end))).toBeGreaterThanOrEqual(224)
      expect(wordsOf(text.slice(start, end))).toBeLessThanOrEqual(288)
      expect(wordsOf(text.slice(next.start, end))).toBe(64)
    }
  }
})

test('chunk() ends at a paragraph rather than a sentence, and at a sentence rather than between words', () => {
  const run = (count: number) => 'keel '.repeat(count).trim()
  const sentence = `${run(250)}. ${run(400)}`
  expect(sentence.slice(0, chunk(sentence)[0]?.end).endsWith('keel.')).toBe(true)
  const paragraph = `${run(230)}\n\n${run(26)}. ${run(400)}`
  expect(wordsOf(paragraph.slice(0, chunk(paragraph)[0]?.end))).toBe(230)
  const windows = `${run(240)}\r\n\r\n${run(10)}. ${run(400)}`
  expect(wordsOf(windows.slice(0, chunk(windows)[0]?.end))).toBe(240)
  const plain = run(600)
  expect(wordsOf(plain.slice(0, chunk(plain)[0]?.end))).toBe(256)
})

test('chunk() leaves a text that fits in one passage, and gives none for an empty one', () => {
  expect(chunk('')).toEqual([])
  expect(chunk(' \n')).toEqual([{ start: 0, end: 2 }])
  const text = 'keel '.repeat(280)
  expect(chunk(text)).toEqual([{ start: 0, end: text.length }])
})

test('chunk() counts a character of Han, kana or hangul as half a word', () => {
  const text = '龍骨とは船底の中心線を縦に貫く材。'.repeat(100)
  const [first, second] = chunk(text)
  expect(Math.abs((first?.end ?? 0) - 512)).toBeLessThanOrEqual(64)
  expect(text.charAt((first?.end ?? 0) - 1)).toBe('。')
  expect((first?.end ?? 0) - (second?.start ?? 0)).toBe(128)
})

test('chunk() cuts megabytes without a space into many small passages', () => {
  for (const unit of ['x', '龍', '😀', ' ', '\n', 'xé', '.']) {
    const text = unit.repeat((2 * 1024 * 1024) / unit.length)
    const passages = chunk(text)
    expect(passages.length).toBeGreaterThan(100)
    expect(passages.at(-1)?.end).toBe(text.length)
    expect(Math.max(...passages.map(({ start, end }) => end - start))).toBeLessThanOrEqual(longestPassage)
  }
})
