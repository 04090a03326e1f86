/** Reads a corpus into what latent semantic analysis is fitted on: a vocabulary with weights, and the weighted terms of each text. */
import { visitTokens } from '../search/analyzer.ts'
import { StringTable } from '../search/string-table.ts'
import type { SparseRows } from './truncated-svd.ts'
import type { WorkSlices } from './work-slices.ts'

/** The terms a model knows, in the order of the table, and what each weighs. */
export interface Vocabulary {
  readonly terms: StringTable
  readonly weights: Float32Array
  /** What a term weighs that is not there: as much as one that stands in a single text. */
  readonly unknownWeight: number
}

/** Terms as often as they were seen in the texts, before it is known which are kept. Terms are numbered as they come. */
export interface CountedCorpus {
  readonly numbers: ReadonlyMap<string, number>
  /** By term: how many texts hold it. */
  readonly textCounts: readonly number[]
  /** By text: where its terms start, and one more. */
  readonly starts: NumberList
  readonly terms: NumberList
  readonly counts: NumberList
}

/** The terms of a text by which it is embedded, each as often as it stands there. Stop words are not among them. */
export function countTerms(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  visitTokens(text, ({ term, kind }) => {
    if (kind === 'word' || kind === 'compound') counts.set(term, (counts.get(term) ?? 0) + 1)
  })
  return counts
}

/** A second mention says less than the first. */
export function termFrequencyWeight(count: number): number {
  return 1 + Math.log(count)
}

/** Cutting a text into terms takes as long, for each character, as this many of the operations that `WorkSlices` counts. */
export const operationsPerCharacter = 200

/** Weighing one takes as long as this many of those operations. */
const operationsPerTerm = 20

export async function countCorpus(
  corpus: AsyncIterable<string> | Iterable<string>,
  slices: WorkSlices,
): Promise<CountedCorpus> {
  const numbers = new Map<string, number>()
  const textCounts: number[] = []
  const [starts, terms, counts] = [new NumberList(), new NumberList(), new NumberList()]
  starts.add(0)
  for await (const text of corpus) {
    const pause = slices.spend(text.length * operationsPerCharacter)
    if (pause) await pause
    for (const [term, count] of countTerms(text)) {
      const number = numbers.get(term) ?? numbers.size
      if (number === numbers.size) numbers.set(term, number)
      textCounts[number] = (textCounts[number] ?? 0) + 1
      terms.add(number)
      counts.add(count)
    }
    starts.add(terms.length)
  }
  return { numbers, textCounts, starts, terms, counts }
}

/** In fewer texts than this a term says nothing of others. In a small corpus every term is needed. */
function leastTextCount(corpusTextCount: number): number {
  return corpusTextCount < 100 ? 1 : 2
}

/** The terms that are kept, and where each counted term has gone: its position among them, or -1. */
export interface ChosenTerms {
  readonly vocabulary: Vocabulary
  readonly positions: Int32Array
}

/** The terms that stand in enough texts; where there are more than `size`, those in most texts, equal ones in their own order. */
export function chooseTerms({ numbers, textCounts, starts }: CountedCorpus, size: number): ChosenTerms {
  const textCount = starts.length - 1
  const countOf = (term: string) => textCounts[numbers.get(term) ?? -1] ?? 0
  const least = leastTextCount(textCount)
  const enough: string[] = []
  for (const [term, number] of numbers) if ((textCounts[number] ?? 0) >= least) enough.push(term)
  const kept = enough.length > size ? mostCommon(enough, countOf, size) : enough
  kept.sort()
  const positions = new Int32Array(numbers.size).fill(-1)
  for (const [position, term] of kept.entries()) positions[numbers.get(term) ?? -1] = position
  return {
    vocabulary: {
      terms: StringTable.from(kept),
      weights: Float32Array.from(kept, (term) => rarity(countOf(term), textCount)),
      unknownWeight: Math.fround(rarity(1, textCount)),
    },
    positions,
  }
}

/** Only terms that stand in as many texts as the last one kept need to be put in order. */
function mostCommon(terms: readonly string[], countOf: (term: string) => number, size: number): string[] {
  const counts = Uint32Array.from(terms, countOf)
  const last = counts.toSorted()[terms.length - size] ?? 0
  const kept = terms.filter((_, index) => (counts[index] ?? 0) > last)
  const ties = terms.filter((_, index) => counts[index] === last).sort()
  return [...kept, ...ties.slice(0, size - kept.length)]
}

/**
 * Inverse document frequency as in BM25, above zero but next to nothing for what stands everywhere, and to the power of 1.5: between the
 * once that is usual for each side of a comparison and the square that BM25 comes to.
 */
function rarity(termTextCount: number, textCount: number): number {
  return Math.log(1 + (textCount - termTextCount + 0.5) / (termTextCount + 0.5)) ** 1.5
}

/** The texts as rows of length 1 over the terms kept; those that hold none are left out. */
export async function weighRows(
  { starts, terms, counts }: CountedCorpus,
  { vocabulary: { weights }, positions }: ChosenTerms,
  slices: WorkSlices,
): Promise<SparseRows> {
  const rowStarts = new NumberList()
  const columns = new NumberList()
  const values = new Float32Array(terms.length)
  rowStarts.add(0)
  for (let text = 0; text + 1 < starts.length; text++) {
    const pause = slices.spend((starts.at(text + 1) - starts.at(text)) * operationsPerTerm)
    if (pause) await pause
    const from = columns.length
    let squares = 0
    for (let i = starts.at(text); i < starts.at(text + 1); i++) {
      const column = positions[terms.at(i)] ?? -1
      if (column < 0) continue
      const value = termFrequencyWeight(counts.at(i)) * (weights[column] ?? 0)
      squares += value * value
      values[columns.length] = value
      columns.add(column)
    }
    if (columns.length === from) continue
    const length = Math.sqrt(squares)
    for (let i = from; i < columns.length; i++) values[i] = (values[i] ?? 0) / length
    rowStarts.add(columns.length)
  }
  return {
    columnCount: weights.length,
    starts: rowStarts.toArray(),
    columns: columns.toArray(),
    values: values.subarray(0, columns.length),
  }
}

/**
 * The share of term weight that would be unknown in one more text of this corpus: what is unknown in each text to a vocabulary chosen from
 * all the others.
 */
export function expectedUnknownShare(
  { textCounts, starts, terms, counts }: CountedCorpus,
  { vocabulary: { weights, unknownWeight }, positions }: ChosenTerms,
): number {
  const least = leastTextCount(starts.length - 1)
  const isKnown = (term: number) => (positions[term] ?? -1) >= 0 && (textCounts[term] ?? 0) > least
  let known = 0
  let unknown = 0
  for (let i = 0; i < terms.length; i++) {
    const term = terms.at(i)
    const frequency = termFrequencyWeight(counts.at(i))
    if (isKnown(term)) known += frequency * (weights[positions[term] ?? -1] ?? 0)
    else unknown += frequency * unknownWeight
  }
  return unknown === 0 ? 0 : unknown / (known + unknown)
}

/** Whole numbers in an array that grows: a tenth of what a list of objects takes, and nothing to walk for the garbage collector. */
class NumberList {
  #numbers = new Uint32Array(1_024)
  #length = 0

  get length(): number {
    return this.#length
  }

  add(number: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Uint32Array(2 * this.#length)
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#numbers[this.#length++] = number
  }

  /** The number at a place below `length`. */
  at(place: number): number {
    return this.#numbers[place] ?? 0
  }

  toArray(): Uint32Array {
    return this.#numbers.slice(0, this.#length)
  }
}
