/**
 * SciFact (Wadden et al. 2020): claims of science and the abstracts that speak to them, in the layout of BEIR, and how a ranking is judged by
 * it. The data is read from the folder of shared data (KEELSON_SHARED, `../shared` by default) and is no part of the repository.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export interface Passage {
  readonly id: string
  readonly title: string
  readonly text: string
}

export interface Collection {
  readonly passages: readonly Passage[]
  /** Texts by id. */
  readonly queries: ReadonlyMap<string, string>
  /** For each query of the test set, the passages that answer it. */
  readonly relevant: ReadonlyMap<string, ReadonlySet<string>>
}

const root = resolve(import.meta.dirname, '..')
const folder = join(resolve(root, process.env.KEELSON_SHARED ?? '../shared'), 'data/scifact')

export function hasScifact(): boolean {
  return existsSync(folder)
}

/** nDCG@10 with linear gain of one ranking, best first, from 0 to 1. */
export function normalisedGain(ids: readonly string[], wanted: ReadonlySet<string>): number {
  const gainAt = (rank: number) => 1 / Math.log2(rank + 2)
  let gain = 0
  for (const [rank, id] of ids.slice(0, 10).entries()) if (wanted.has(id)) gain += gainAt(rank)
  let best = 0
  for (let rank = 0; rank < Math.min(10, wanted.size); rank++) best += gainAt(rank)
  return gain / best
}

/** The share of what is wanted that is among the first hundred. */
export function recall(ids: readonly string[], wanted: ReadonlySet<string>): number {
  return ids.slice(0, 100).filter((id) => wanted.has(id)).length / wanted.size
}

/** Throws when the data is not there. */
export function readScifact(): Collection {
  const relevant = new Map<string, Set<string>>()
  for (const line of readLines('qrels-test.tsv').slice(1)) {
    const [query = '', passage = ''] = line.split('\t')
    relevant.set(query, (relevant.get(query) ?? new Set()).add(passage))
  }
  return {
    passages: readRecords('corpus.jsonl').map(({ _id, title = '', text }) => ({ id: _id, title, text })),
    queries: new Map(readRecords('queries.jsonl').map(({ _id, text }) => [_id, text])),
    relevant,
  }
}

function readRecords(file: string): { _id: string; title?: string; text: string }[] {
  return readLines(file).map((line) => JSON.parse(line))
}

function readLines(file: string): string[] {
  return readFileSync(join(folder, file), 'utf8').trim().split('\n')
}
