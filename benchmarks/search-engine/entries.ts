/** Entries of about 250 words cut from the abstracts of SciFact wherever chance has it, and queries of each kind made from the same text. */
import { readScifact } from '../../tools/scifact.ts'

export interface Entry {
  readonly id: string
  readonly title: string
  readonly text: string
  readonly type: string
  readonly pages: number
}

const wordsPerEntry = 250
const types = ['md', 'pdf', 'docx', 'txt', 'eml']

const { passages, queries } = readScifact()
const words = passages.flatMap(({ text }) => text.split(/\s+/))

export function* makeEntries(count: number): Generator<Entry> {
  const random = randomNumbers(1)
  for (let number = 0; number < count; number++) {
    const from = Math.floor(random() * (words.length - wordsPerEntry))
    yield {
      id: `id-${number}`,
      title: passages[number % passages.length]?.title ?? '',
      text: words.slice(from, from + wordsPerEntry).join(' '),
      type: types[number % types.length] ?? '',
      pages: number % 100,
    }
  }
}

/** By kind of query, as many as asked for. */
export function makeQueries(count: number): Readonly<Record<QueryKind, readonly string[]>> {
  const random = randomNumbers(2)
  const from = () => Math.floor(random() * (words.length - 10))
  const many = (make: (at: number) => string) => Array.from({ length: count }, () => make(from()))
  const longWord = (at: number) => words.slice(at).find((word) => /^[a-z]{6,}$/.test(word)) ?? 'protein'
  return {
    claim: [...queries.values()].slice(0, count),
    'two words': many((at) => words.slice(at, at + 2).join(' ')),
    phrase: many((at) => `"${words.slice(at, at + 3).join(' ')}"`),
    typo: many((at) => misspelt(longWord(at))),
    prefix: many((at) => longWord(at).slice(0, 4)),
    facets: [...queries.values()].slice(count, 2 * count),
    filter: [...queries.values()].slice(2 * count, 3 * count),
    sorted: [...queries.values()].slice(3 * count, 4 * count),
  }
}

export type QueryKind = 'claim' | 'two words' | 'phrase' | 'typo' | 'prefix' | 'facets' | 'filter' | 'sorted'

/** With its third and fourth letter in the wrong order, and another when they are equal. */
function misspelt(word: string): string {
  const turned = word.slice(0, 2) + word.charAt(3) + word.charAt(2) + word.slice(4)
  return turned === word ? `${word.slice(0, 3)}x${word.slice(3)}` : turned
}

/** A linear congruential generator (Numerical Recipes): the same numbers from 0 up to 1 everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
