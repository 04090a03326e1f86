/**
 * Words and titles that go on from what is typed, with the number of documents that hold them. The index itself keeps stems, which are no
 * words to show; here words are kept as most documents write them.
 */

import { tokenize } from './analyzer.ts'
import { fold } from './folding.ts'

export class SuggestionTable {
  readonly #words = new Tally()
  readonly #titles = new Tally()

  /** Counts a document; `times` -1 takes it out again. */
  count(title: string, text: string, times: 1 | -1): void {
    if (title.trim() !== '') this.#titles.add(foldedTitle(title), title.trim(), times)
    for (const [folded, written] of wordsOf(`${title}\n${text}`)) this.#words.add(folded, written, times)
  }

  /** @param limit of words and of titles, each. */
  suggest(prefix: string, limit: number): { words: CountedText[]; titles: CountedText[] } {
    const folded = foldedTitle(prefix)
    if (folded === '') return { words: [], titles: [] }
    return {
      words: best(this.#words.beginningWith(folded.slice(folded.lastIndexOf(' ') + 1)), limit),
      titles: best(this.#titles.withWordBeginning(folded), limit),
    }
  }
}

export interface CountedText {
  readonly text: string
  readonly count: number
}

/** By folded spelling: each way in which it is written, and by how many documents. */
class Tally {
  readonly #spellings = new Map<string, Map<string, number>>()
  /** Sorted when they are asked for. */
  #sorted: readonly string[] | undefined

  add(folded: string, written: string, times: 1 | -1): void {
    const ways = this.#spellings.get(folded) ?? new Map<string, number>()
    if (ways.size === 0) {
      this.#spellings.set(folded, ways)
      this.#sorted = undefined
    }
    const count = (ways.get(written) ?? 0) + times
    if (count > 0) ways.set(written, count)
    else ways.delete(written)
    if (ways.size > 0) return
    this.#spellings.delete(folded)
    this.#sorted = undefined
  }

  beginningWith(prefix: string): CountedText[] {
    this.#sorted ??= [...this.#spellings.keys()].sort()
    const sorted = this.#sorted
    const found: CountedText[] = []
    for (let at = firstNotBefore(sorted, prefix); sorted[at]?.startsWith(prefix); at++)
      found.push(this.#counted(sorted[at]))
    return found
  }

  withWordBeginning(prefix: string): CountedText[] {
    const found: CountedText[] = []
    for (const folded of this.#spellings.keys()) {
      if (folded.startsWith(prefix) || folded.includes(` ${prefix}`)) found.push(this.#counted(folded))
    }
    return found
  }

  #counted(folded = ''): CountedText {
    let [text, most, count] = ['', 0, 0]
    for (const [written, times] of this.#spellings.get(folded) ?? []) {
      count += times
      if (times > most || (times === most && written < text)) [text, most] = [written, times]
    }
    return { text, count }
  }
}

function best(found: CountedText[], limit: number): CountedText[] {
  return found.sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1)).slice(0, limit)
}

/** Each word once, as it is written first; neither stop words nor single characters. */
function wordsOf(text: string): Map<string, string> {
  const words = new Map<string, string>()
  for (const { start, end, kind } of tokenize(text)) {
    if ((kind !== 'word' && kind !== 'compound') || end - start < 2) continue
    const written = text.slice(start, end)
    const folded = fold(written)
    if (folded !== '' && !words.has(folded)) words.set(folded, written)
  }
  return words
}

function foldedTitle(title: string): string {
  return title
    .split(/[^\p{L}\p{N}\p{M}.,]+/u)
    .map(fold)
    .filter((word) => word !== '')
    .join(' ')
}

function firstNotBefore(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return low
}
