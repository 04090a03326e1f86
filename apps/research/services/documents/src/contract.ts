/** Documents: folders and uploads, cut into passages and searched. All that other services, pages and teams may import. */
import { cli, command, defineContract, progress, query, subscription } from '@keelson/kernel'
import { bulkhead, deadline } from '@keelson/resilience'
import { http } from '@keelson/services'
import * as z from 'zod'

/** An upload may be this large; files of a folder too. */
export const maxDocumentBytes = 10 * 1024 * 1024

const DocumentType = z.enum([
  'markdown',
  'text',
  'html',
  'pdf',
  'docx',
  'pptx',
  'xlsx',
  'odt',
  'odp',
  'ods',
  'epub',
  'rtf',
  'notebook',
  'subtitles',
  'csv',
  'json',
  'email',
  'code',
])
const place = {
  headings: z.array(z.string()).describe('The headings it stands under, the outermost first'),
  page: z.int().nullable().describe('Page, slide or sheet, from 1; null where there are none'),
  lines: z
    .tuple([z.int(), z.int()])
    .nullable()
    .describe('First and last line in the file, from 1; null where `text` is not the text of the file'),
}
const DocumentId = z
  .string()
  .regex(/^[0-9a-f]{24}$/)
  .describe('Derived from folder and path: the same file has the same id for ever')

const Document = z.object({
  id: DocumentId,
  folder: z.string().describe('Absolute path of the indexed folder; empty for an upload'),
  path: z.string().describe('Path inside the folder, with forward slashes'),
  title: z.string(),
  type: DocumentType,
  bytes: z.int(),
  chunks: z.int(),
  modifiedAt: z.iso.datetime(),
  indexedAt: z.iso.datetime(),
})
export type Document = z.infer<typeof Document>

const Highlight = z.tuple([z.int(), z.int()]).describe('[start, end) in UTF-16 units of `text`')

/** How a hit came by its place: what words gave (BM25 and exact matches) and how near it is in meaning, before both are weighed. */
const Explanation = z.object({
  keyword: z
    .object({
      rank: z.int(),
      score: z.number(),
      words: z.array(
        z.object({
          word: z.string().describe('As it stands in the query'),
          term: z.string().describe('What of the index it stood for'),
          match: z.string().describe('Whether it is the word itself, one that begins so, a misspelling or a synonym'),
          weight: z.number(),
          idf: z.number(),
          frequency: z.object({ title: z.number(), text: z.number() }),
          score: z.number(),
        }),
      ),
      exact: z.array(z.object({ kind: z.string(), score: z.number() })),
    })
    .nullable(),
  semantic: z.object({ rank: z.int(), cosine: z.number() }).nullable(),
})

const Hit = z.object({
  documentId: DocumentId,
  chunkId: z.string().describe('Derived from documentId and the position of the passage'),
  folder: z.string().describe('Absolute path of the indexed folder; empty for an upload'),
  path: z.string(),
  title: z.string(),
  type: DocumentType,
  modifiedAt: z.iso.datetime(),
  text: z.string().describe('The whole passage, with its neighbours where they were found too'),
  start: z.int().describe('Where `text` begins in the text of the document, in UTF-16 units'),
  end: z.int(),
  ...place,
  snippet: z.string().describe('The part of the passage that shows most of the words searched for'),
  score: z.number().describe('0 to 1: larger is better, comparable within one answer only'),
  highlights: z.array(Highlight).describe('Where the words searched for stand in `text`'),
  explanation: Explanation.optional().describe('When it was asked for'),
})
export type Hit = z.infer<typeof Hit>

const SearchInput = z.object({
  query: z.string().max(2_000).regex(/\S/, 'at least one word is needed').describe('Words; any of them may match'),
  limit: z.int().min(1).max(1_000).default(10).describe('Hits at most'),
  offset: z.int().min(0).default(0).describe('Hits passed over, the best first'),
  path: z.string().max(1_000).optional().describe('Glob on the path: `guides/**`'),
  type: DocumentType.optional().describe('Only documents of this type'),
  ranking: z
    .enum(['hybrid', 'keyword', 'semantic'])
    .default('hybrid')
    .describe('By words and meaning, by words alone, or by meaning alone'),
  changedSince: z.iso.datetime({ offset: true }).optional().describe('Only documents whose file changed then or later'),
  prefix: z
    .boolean()
    .default(false)
    .describe('Whether the last word may be the beginning of one, as while it is typed'),
  facets: z
    .boolean()
    .default(false)
    .describe('Whether the answer counts the types and places of all passages that words find'),
  explain: z.boolean().default(false).describe('Whether each hit says how it came by its score'),
})
export type SearchInput = z.infer<typeof SearchInput>

const FacetValue = z.object({ value: z.string(), count: z.int() })

const Facets = z.object({
  type: z.array(FacetValue),
  place: z.array(FacetValue).describe('The outermost folder of the path'),
})
export type Facets = z.infer<typeof Facets>

const SearchAnswer = z.object({
  hits: z.array(Hit),
  total: z.int().describe('All matching passages, not the page'),
  totalHits: z.int().describe('Hits that paging can reach: neighbouring passages are one'),
  model: z
    .object({ model: z.string(), version: z.string() })
    .nullable()
    .describe('What found by meaning; null when only words were looked for'),
  facets: Facets.optional().describe('When they were asked for'),
  tookMs: z.number(),
})
export type SearchAnswer = z.infer<typeof SearchAnswer>

const Problem = z.object({ path: z.string(), code: z.string(), reason: z.string() })

const IndexingState = z.enum(['running', 'done', 'failed', 'stopped'])

const Indexing = z.object({
  id: z.string(),
  folder: z.string(),
  state: IndexingState,
  found: z.int().describe('Files that will be looked at'),
  done: z.int().describe('Files looked at so far'),
  indexed: z.int(),
  unchanged: z.int(),
  removed: z.int().describe('Documents whose file is gone'),
  skipped: z.int().describe('Files that could not be indexed'),
  timeLeftMs: z.int().nullable().describe('An estimate while it runs; null where there is none yet'),
  problems: z.array(Problem).describe('The first 100 skipped files, by name and reason'),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  error: z.string().nullable(),
})
export type Indexing = z.infer<typeof Indexing>

export const Overview = z.object({
  documents: z.int(),
  chunks: z.int().describe('Passages that can be found'),
  indexing: Indexing.nullable().describe('The newest indexing run'),
  vectors: z
    .object({
      model: z.string(),
      version: z.string(),
      done: z.int().describe('Passages that can be found by meaning, or of which the model knows nothing'),
    })
    .nullable()
    .describe('What is found by meaning; null while there is no model'),
})
export type Overview = z.infer<typeof Overview>

export const Documents = defineContract('documents', '1.0.0', {
  search: query(
    {
      summary: 'Search passages',
      input: SearchInput,
      output: SearchAnswer,
    },
    http('GET /v1/documents/search'),
    deadline('30s'),
    bulkhead({ concurrency: 32, queue: 256 }),
    cli({ usage: 'search <query...>', text: (result) => hitsAsText(result.hits, result.total) }),
  ),
  list: query(
    {
      summary: 'List documents by folder and path',
      input: z.object({
        limit: z.int().min(1).max(1_000).default(100).describe('Documents in one answer'),
        offset: z.int().min(0).default(0).describe('Documents to pass over first'),
      }),
      output: z.object({ documents: z.array(Document), total: z.int() }),
    },
    http('GET /v1/documents'),
  ),
  get: query(
    {
      summary: 'One document with its text',
      input: z.object({ id: DocumentId }),
      output: Document.extend({
        text: z.string(),
        passages: z
          .array(z.object({ chunkId: z.string(), start: z.int(), end: z.int(), ...place }))
          .describe('[start, end) in UTF-16 units of `text`'),
      }),
    },
    http('GET /v1/documents/{id}'),
  ),
  remove: command(
    {
      summary: 'Delete a document; one of a folder returns only when its file changes',
      input: z.object({ id: DocumentId }),
    },
    http('DELETE /v1/documents/{id}'),
  ),
  upload: command(
    {
      summary: 'Upload a document; the same path replaces it',
      input: z.object({
        path: z.string().min(1).max(1_000).describe('Relative, with forward slashes, and an extension that is indexed'),
        content: z.string().describe('The file'),
        encoding: z.enum(['utf-8', 'base64']).default('utf-8').describe('How `content` stands for its bytes'),
      }),
      output: Document,
    },
    http('POST /v1/documents', {
      body: 'content',
      base64: 'encoding',
      maxBytes: maxDocumentBytes,
      status: 201,
      location: '/v1/documents/{id}',
    }),
  ),
  index: command(
    {
      summary: 'Index a folder inside an allowed root',
      input: z.object({ folder: z.string().min(1).describe('Absolute path') }),
      output: Indexing,
    },
    http('POST /v1/documents/index', { status: 202, location: '/v1/documents/index/{id}' }),
    cli({
      usage: 'index <folder>',
      paths: ['folder'],
      text: (run) =>
        `${run.indexed} indexed, ${run.unchanged} unchanged, ${run.removed} removed, ${run.skipped} skipped${problemsAsText(run)}`,
      follow: { operation: 'indexing', input: (started) => ({ id: started.id }) },
    }),
  ),
  overview: subscription({ summary: 'What is indexed: at once, then on every change', output: Overview }),
  indexing: subscription(
    {
      summary: 'Follow an indexing run until it ends; `latest` is the newest',
      input: z.object({ id: z.string().describe('Of the run, or `latest`') }),
      output: Indexing,
    },
    http('GET /v1/documents/index/{id}'),
    progress((item) => ({
      done: item.done,
      total: item.found,
      label: `${item.indexed} indexed, ${item.unchanged} unchanged, ${item.skipped} skipped`,
      error: item.error,
    })),
  ),
})

function hitsAsText(hits: readonly Hit[], total: number): string {
  if (total === 0) return 'Nothing found.'
  const blocks = hits.map((hit) => `${hit.title}  (${hit.path})\n  ${hit.snippet.replace(/\s+/g, ' ')}`)
  return `${blocks.join('\n\n')}\n\n${hits.length} of ${total} passages`
}

function problemsAsText({ problems }: Indexing): string {
  return problems.map(({ path, reason }) => `\n  skipped ${path}: ${reason}`).join('')
}
