/**
 * How fast the documents service indexes and answers through REST: SciFact as it is, then 100,000 passages made of its sentences, also
 * while indexing goes on, and how soon a restarted system answers. `KEELSON_PASSAGES` sets another number of passages.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchmarkResult, BenchmarkRow, BenchmarkTarget } from '../../tools/bench.ts'
import { type ResearchProcess, startResearch, untilIndexed, untilSearchable } from '../../tools/research-process.ts'
import { readScifact } from '../../tools/scifact.ts'

const manyPassages = Number(process.env['KEELSON_PASSAGES'] ?? 100_000)
const passagesPerDocument = 20
const wordsPerPassage = 190

export async function run(): Promise<BenchmarkResult> {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-search-speed-'))
  const rows: BenchmarkRow[] = []
  try {
    const { passages, queries, relevant } = readScifact()
    const questions = [...relevant.keys()].map((query) => queries.get(query) ?? '')
    const few = join(folder, 'few')
    mkdirSync(join(few, 'docs'), { recursive: true })
    for (const { id, title, text } of passages) writeFileSync(join(few, 'docs', `${id}.md`), `# ${title}\n\n${text}`)
    await measureCorpus('SciFact', few, questions, rows)

    const many = join(folder, 'many')
    mkdirSync(join(many, 'docs'), { recursive: true })
    const sentences = passages.flatMap(({ text }) => text.split(/(?<=\.) /))
    const random = seeded(7)
    for (let document = 0; document < manyPassages / passagesPerDocument; document++)
      writeFileSync(join(many, 'docs', `${document}.md`), madeUp(document, sentences, random))
    await measureCorpus('many', many, questions, rows)
    return { rows, targets: targetsOf(rows) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureCorpus(
  subject: string,
  folder: string,
  questions: readonly string[],
  rows: BenchmarkRow[],
): Promise<void> {
  const place = { docs: join(folder, 'docs'), data: join(folder, 'data') }
  const add = (metric: string, value: number, unit: string) => rows.push({ subject, metric, value, unit })
  const addTimes = (when: string, times: readonly number[]) => {
    add(`${when}, p50`, quantile(times, 0.5), 'ms')
    add(`${when}, p95`, quantile(times, 0.95), 'ms')
  }
  const system = await startResearch(place)
  try {
    const began = performance.now()
    const indexed = untilSearchable(system.url)
    const during = await askUntil(indexed, system, questions)
    await indexed
    add('files to searchable', (performance.now() - began) / 1000, 's')
    addTimes('search while indexing', during)
    await untilIndexed(system.url)
    add('vectors too', (performance.now() - began) / 1000, 's')
    add('passages', await countPassages(system.url), '')
    await ask(system, questions.slice(0, 50))
    addTimes('search', await ask(system, questions))
    add('resident memory', system.residentBytes() / 2 ** 20, 'MiB')
  } finally {
    await system.stop()
  }
  const again = await startResearch(place)
  try {
    const ready = performance.now()
    await ask(again, questions.slice(0, 1))
    add('restart to first answer', (again.startedMs + performance.now() - ready) / 1000, 's')
  } finally {
    await again.stop()
  }
}

/** One question after the other; milliseconds each. */
async function ask(system: ResearchProcess, questions: readonly string[]): Promise<number[]> {
  const times: number[] = []
  for (const question of questions) times.push(await askOne(system, question))
  return times
}

async function askUntil(end: Promise<void>, system: ResearchProcess, questions: readonly string[]): Promise<number[]> {
  let isOver = false
  const over = end.then(() => {
    isOver = true
  })
  const times: number[] = []
  for (let at = 0; !isOver; at++) {
    times.push(await askOne(system, questions[at % questions.length] ?? ''))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await over
  return times
}

async function askOne({ url }: ResearchProcess, query: string): Promise<number> {
  const before = performance.now()
  const response = await fetch(`${url}/v1/documents/search?${new URLSearchParams({ query })}`)
  await response.text()
  if (!response.ok) throw new Error(`The search for "${query}" failed with ${response.status}`)
  return performance.now() - before
}

async function countPassages(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/documents?limit=1000`)
  const { documents, total } = (await response.json()) as { documents: { chunks: number }[]; total: number }
  return Math.round((documents.reduce((sum, { chunks }) => sum + chunks, 0) * total) / documents.length)
}

function madeUp(number: number, sentences: readonly string[], random: () => number): string {
  const lines = [`# Notes ${number}`]
  for (let passage = 0; passage < passagesPerDocument; passage++) {
    const words: string[] = []
    while (words.length < wordsPerPassage)
      words.push(...(sentences[Math.floor(random() * sentences.length)] ?? '').split(' '))
    lines.push(words.join(' '))
  }
  return lines.join('\n\n')
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function targetsOf(rows: readonly BenchmarkRow[]): BenchmarkTarget[] {
  const target = (subject: string, metric: string, bound: number, unit: string): BenchmarkTarget => {
    const value = rows.find((row) => row.subject === subject && row.metric === metric)?.value ?? Number.NaN
    return { name: `${subject}: ${metric}, below`, value, bound, unit, reached: value < bound }
  }
  return [
    target('SciFact', 'files to searchable', 60, 's'),
    target('SciFact', 'search, p50', 15, 'ms'),
    target('SciFact', 'search, p95', 50, 'ms'),
    target('many', 'search, p95', 50, 'ms'),
    target('many', 'search while indexing, p95', 50, 'ms'),
    target('many', 'restart to first answer', 3, 's'),
  ]
}
