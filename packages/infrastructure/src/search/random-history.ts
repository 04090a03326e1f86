/** Random changes to an index, for the case that asks whether its history shows. The same seed gives the same changes everywhere. */
import type { SearchEntry, SearchIndex, SearchQuery } from './search-index.ts'

export const historyQueries: readonly SearchQuery[] = [
  { text: 'keel', limit: 100 },
  { text: 'mast sail rope keel', limit: 5, offset: 3 },
  { text: 'the of', limit: 100 },
  { text: '"keel mast"', limit: 100 },
  { text: 'sail keel', limit: 100, explain: true },
  { text: 'fooBar', limit: 100, facets: ['path', 'odd'] },
  { text: 'ancor frmes', limit: 100, explain: true },
  { text: 'mast pin', limit: 100, prefix: true, typos: 'few hits' },
  { text: 'anchor oak', limit: 100, filters: [{ attribute: 'path', glob: 'p[0-4]/*' }] },
  { text: 'keel pine', limit: 100, filters: [{ attribute: 'odd', equals: 'yes' }] },
]

/** A random run of changes, and the entries that are there at its end. */
export function randomHistory(
  create: () => SearchIndex,
  seed: number,
): { index: SearchIndex; entries: Map<string, SearchEntry> } {
  const random = randomNumbers(seed)
  const index = create()
  const entries = new Map<string, SearchEntry>()
  const randomId = () => `id-${Math.floor(random() * 80)}`
  for (let step = 0; step < 60; step++) {
    if (random() < 0.35) {
      const ids = Array.from({ length: Math.floor(random() * 12) }, randomId)
      index.remove(ids)
      for (const id of ids) entries.delete(id)
      continue
    }
    const changed = Array.from({ length: Math.floor(random() * 12) }, () => randomEntry(random, randomId()))
    index.upsert(changed)
    for (const one of changed) entries.set(one.id, one)
  }
  return { index, entries }
}

function randomEntry(random: () => number, id: string): SearchEntry {
  const path = `p${Math.floor(random() * 10)}/${Math.floor(random() * 10)}`
  const attributes = random() < 0.5 ? { path, odd: 'yes' } : { path }
  return { id, title: randomText(random, 2), text: randomText(random, Math.floor(random() * 20)), attributes }
}

const words = ['keel', 'mast', 'sail', 'rope', 'anchor', 'oak', 'pine', 'the', 'of', 'frames', 'fooBar', '船体']

/** Words by chance, the first of them most often. */
export function randomText(random: () => number, length: number): string {
  return Array.from({ length }, () => words[Math.floor(random() ** 2 * words.length)]).join(' ')
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
