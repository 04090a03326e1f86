/** Words that stand for one another, applied when a query is read: changing them changes no index. */
import { tokenize } from './analyzer.ts'

/**
 * Two-way: each of `words` also finds what the others find. One-way: `from` also finds what each of `to` finds, and not the reverse. Each
 * may be several words; they are compared as the index does, whatever their case, accents or form.
 */
export type Synonym = { readonly words: readonly string[] } | { readonly from: string; readonly to: readonly string[] }

/** What `compileSynonyms` makes for queries. */
export interface Synonyms {
  /** In words. */
  readonly longest: number
  /** The terms of each synonym of these terms. */
  of(terms: readonly string[]): readonly (readonly string[])[]
}

export function compileSynonyms(synonyms: readonly Synonym[]): Synonyms {
  const targets = new Map<string, Map<string, readonly string[]>>()
  let longest = 0
  const add = (from: readonly string[], to: readonly string[]) => {
    const [key, target] = [keyOf(from), keyOf(to)]
    if (key === '' || target === '' || key === target) return
    longest = Math.max(longest, from.length)
    targets.set(key, (targets.get(key) ?? new Map()).set(target, to))
  }
  for (const synonym of synonyms) {
    if ('from' in synonym) {
      for (const to of synonym.to) add(termsOf(synonym.from), termsOf(to))
      continue
    }
    const words = synonym.words.map(termsOf)
    for (const from of words) for (const to of words) add(from, to)
  }
  return { longest, of: (terms) => [...(targets.get(keyOf(terms))?.values() ?? [])] }
}

function termsOf(text: string): string[] {
  return tokenize(text).flatMap(({ term, kind }) => (kind === 'word' ? [term] : []))
}

/** No term holds a space. */
function keyOf(terms: readonly string[]): string {
  return terms.join(' ')
}
