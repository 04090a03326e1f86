/** Shows a reader why a text was found: where the words searched for stand in it, and the part of it that holds most of them. */
import { analyze, queryTerms, tokenize } from './analyzer.ts'

/**
 * Where words of the query stand in a text, under the rules by which the index finds them: [start, end) in UTF-16 units of `text`,
 * sorted, apart from each other. What overlaps or touches is one range.
 *
 * @param query its text, or the terms that a search says it stood for.
 */
export function highlight(text: string, query: string | readonly string[]): [start: number, end: number][] {
  const terms = typeof query === 'string' ? queryTerms(query) : new Set(query)
  const ranges: [number, number][] = []
  for (const { term, start, end } of tokenize(text)) {
    if (!terms.has(term)) continue
    const last = ranges.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else ranges.push([start, end])
  }
  return ranges
}

type Range = readonly [start: number, end: number]

const ellipsis = '…'

/**
 * The part of a text with the most different words among its highlights; of equal parts the one with more highlights, then the first.
 * Cut between words where there are any, with an ellipsis where something was cut off.
 *
 * @param highlights as `highlight` gives them.
 * @param maxLength in UTF-16 units, the ellipses included.
 */
export function snippet(text: string, highlights: readonly Range[], maxLength = 240): string {
  if (text.length <= maxLength) return text.trim()
  const room = Math.max(1, maxLength - 2 * ellipsis.length)
  const [first, last] = bestWindow(text, highlights, room)
  const spare = Math.max(0, room - (last - first))
  // A third of the spare room goes before: what follows a word explains it more often.
  const start = Math.max(0, Math.min(first - Math.floor(spare / 3), text.length - room))
  const end = Math.min(text.length, start + room)
  return withEllipses(text, startAtWord(text, start, first), endAtWord(text, end, last))
}

/** From the start of the first highlight of the best window to the end of its last. */
function bestWindow(text: string, highlights: readonly Range[], room: number): Range {
  const words = highlights.map(([start, end]) => analyze(text.slice(start, end)).join(' '))
  const inside = new Map<string, number>()
  let best: Range = [0, 0]
  let bestDistinct = 0
  let bestCount = 0
  let from = 0
  for (const [to, [, end]] of highlights.entries()) {
    inside.set(words[to] ?? '', (inside.get(words[to] ?? '') ?? 0) + 1)
    while (from < to && end - (highlights[from]?.[0] ?? 0) > room) leave(inside, words[from++] ?? '')
    const count = to - from + 1
    if (inside.size < bestDistinct || (inside.size === bestDistinct && count <= bestCount)) continue
    bestDistinct = inside.size
    bestCount = count
    best = [highlights[from]?.[0] ?? 0, end]
  }
  return best
}

function leave(inside: Map<string, number>, word: string): void {
  const count = (inside.get(word) ?? 1) - 1
  if (count === 0) inside.delete(word)
  else inside.set(word, count)
}

/** How far a cut may move to fall between words; beyond this the text has none, or one too long to leave out. */
const farthestBoundary = 40

/** @param keepFrom the cut does not move past it. */
function startAtWord(text: string, start: number, keepFrom: number): number {
  for (let at = start; at < Math.min(start + farthestBoundary, keepFrom); at++) {
    if (isBetweenWords(text, at)) return at
  }
  return start < keepFrom && isInsideCharacter(text, start) ? start + 1 : start
}

/** @param keepTo the cut does not move before it. */
function endAtWord(text: string, end: number, keepTo: number): number {
  for (let at = end; at > Math.max(end - farthestBoundary, keepTo); at--) {
    if (isBetweenWords(text, at)) return at
  }
  return isInsideCharacter(text, end) ? end - 1 : end
}

function withEllipses(text: string, start: number, end: number): string {
  const before = text.slice(0, start).trim() === '' ? '' : ellipsis
  const after = text.slice(end).trim() === '' ? '' : ellipsis
  return before + text.slice(start, end).trim() + after
}

/** A letter, a digit, a mark, or half of a character that is none of the commonest 65,536. */
const insideWord = /[\p{L}\p{N}\p{M}\p{Cs}]/u

function isBetweenWords(text: string, at: number): boolean {
  return !insideWord.test(text.charAt(at - 1)) || !insideWord.test(text.charAt(at))
}

/** Whether a cut here would part two halves of one code point. */
function isInsideCharacter(text: string, at: number): boolean {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff
}
