/**
 * How well the documents service ranks SciFact through its own REST interface: by words, by meaning and by both. Then the same claims over
 * long documents of twelve abstracts each, where what counts is whether the abstract itself is among the first passages.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchmarkResult, BenchmarkRow } from '../../tools/bench.ts'
import { type ResearchProcess, startResearch, untilIndexed } from '../../tools/research-process.ts'
import { type Collection, normalisedGain, type Passage, readScifact, recall } from '../../tools/scifact.ts'

const rankings = ['keyword', 'semantic', 'hybrid'] as const
type Ranking = (typeof rankings)[number]

interface Hit {
  readonly path: string
  readonly text: string
}

/** Abstracts in one long document: some 2,500 words, the length of a short paper. */
const abstractsPerPaper = 12

export async function run(): Promise<BenchmarkResult> {
  const collection = readScifact()
  const folder = mkdtempSync(join(tmpdir(), 'keelson-search-quality-'))
  try {
    const abstracts = await withDocuments(join(folder, 'abstracts'), asAbstracts(collection), (system) =>
      judgeAbstracts(system, collection),
    )
    const papers = await withDocuments(join(folder, 'papers'), asPapers(collection), (system) =>
      judgePapers(system, collection),
    )
    const [gain, found, answered] = [
      figure(abstracts, 'hybrid', 'nDCG@10'),
      figure(abstracts, 'hybrid', 'Recall@100'),
      figure(papers, 'hybrid', 'answer among the first 5 passages'),
    ]
    return {
      rows: [...abstracts, ...papers],
      targets: [
        { name: 'SciFact nDCG@10, at least', value: gain, bound: 0.705, unit: '', reached: gain >= 0.705 },
        { name: 'SciFact Recall@100, at least', value: found, bound: 0.92, unit: '', reached: found >= 0.92 },
        {
          name: 'answer in long documents, at least',
          value: answered,
          bound: 0.8,
          unit: 'share',
          reached: answered >= 0.8,
        },
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withDocuments<T>(
  folder: string,
  documents: ReadonlyMap<string, string>,
  ask: (system: ResearchProcess) => Promise<T>,
): Promise<T> {
  const docs = join(folder, 'docs')
  mkdirSync(docs, { recursive: true })
  for (const [name, text] of documents) writeFileSync(join(docs, name), text)
  const system = await startResearch({ docs, data: join(folder, 'data') })
  try {
    await untilIndexed(system.url)
    return await ask(system)
  } finally {
    await system.stop()
  }
}

function asAbstracts({ passages }: Collection): Map<string, string> {
  return new Map(passages.map((passage) => [`${passage.id}.md`, asSection(passage, '#')]))
}

function asPapers({ passages }: Collection): Map<string, string> {
  const papers = new Map<string, string>()
  for (let from = 0; from < passages.length; from += abstractsPerPaper) {
    const sections = passages.slice(from, from + abstractsPerPaper).map((passage) => asSection(passage, '##'))
    papers.set(`paper-${from}.md`, [`# Collected abstracts ${from}`, ...sections].join('\n\n'))
  }
  return papers
}

function asSection({ title, text }: Passage, heading: string): string {
  return `${heading} ${title.replace(/\s+/g, ' ')}\n\n${text}`
}

async function judgeAbstracts(system: ResearchProcess, { queries, relevant }: Collection): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = []
  for (const ranking of rankings) {
    let gain = 0
    let found = 0
    for (const [query, wanted] of relevant) {
      const hits = await search(system, queries.get(query) ?? '', ranking, 200)
      const ids = [...new Set(hits.map((hit) => hit.path.replace(/\.md$/, '')))]
      gain += normalisedGain(ids, wanted)
      found += recall(ids, wanted)
    }
    const subject = `${ranking}, abstracts`
    rows.push({ subject, metric: 'nDCG@10', value: gain / relevant.size, unit: '' })
    rows.push({ subject, metric: 'Recall@100', value: found / relevant.size, unit: '' })
  }
  return rows
}

async function judgePapers(
  system: ResearchProcess,
  { passages, queries, relevant }: Collection,
): Promise<BenchmarkRow[]> {
  const textOf = new Map(passages.map(({ id, text }) => [id, text]))
  const rows: BenchmarkRow[] = []
  for (const ranking of rankings) {
    let answered = 0
    for (const [query, wanted] of relevant) {
      const hits = await search(system, queries.get(query) ?? '', ranking, 5)
      // The middle of an abstract stands for the answer: a passage that holds it is the one a reader wants.
      const answers = [...wanted].map((id) => middleOf(textOf.get(id) ?? ''))
      if (answers.some((answer) => hits.some((hit) => hit.text.includes(answer)))) answered++
    }
    rows.push({
      subject: `${ranking}, long documents`,
      metric: 'answer among the first 5 passages',
      value: answered / relevant.size,
      unit: 'share',
    })
  }
  return rows
}

function middleOf(text: string): string {
  const middle = Math.floor(text.length / 2)
  return text.slice(middle - 30, middle + 30)
}

async function search(
  system: ResearchProcess,
  query: string,
  ranking: Ranking,
  limit: number,
): Promise<readonly Hit[]> {
  const parameters = new URLSearchParams({ query, ranking, limit: String(limit) })
  const response = await fetch(`${system.url}/v1/documents/search?${parameters}`)
  if (!response.ok) throw new Error(`The search for "${query}" failed: ${await response.text()}`)
  return ((await response.json()) as { hits: Hit[] }).hits
}

function figure(rows: readonly BenchmarkRow[], ranking: Ranking, metric: string): number {
  return rows.find((row) => row.subject.startsWith(ranking) && row.metric === metric)?.value ?? 0
}
