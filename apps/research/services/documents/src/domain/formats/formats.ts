/** Every kind of file that is indexed, by its extension. What reads one is loaded when the first such file comes. */
import type { Document } from '../../contract.ts'
import { documentsErrors } from '../../errors.ts'
import type { Extract } from './format.ts'

export type DocumentType = Document['type']

interface Format {
  readonly type: DocumentType
  /** In small letters, without the dot. */
  readonly extensions: readonly string[]
  readonly load: () => Promise<Extract>
}

const code =
  'js mjs cjs jsx ts mts cts tsx py rb go rs java kt kts scala swift c h cc cpp cxx hpp hh cs fs php pl lua r jl dart ex exs erl clj hs ml sh bash zsh ps1 sql css scss less vue svelte proto graphql gql tf yaml yml toml ini xml'

const formats: readonly Format[] = [
  {
    type: 'markdown',
    extensions: ['md', 'markdown', 'mdx'],
    load: async () => (await import('./markdown.ts')).extractMarkdown,
  },
  {
    type: 'text',
    extensions: ['txt', 'text', 'rst', 'adoc', 'org', 'log', 'tex'],
    load: async () => (await import('./plain-text.ts')).extractText,
  },
  { type: 'html', extensions: ['html', 'htm', 'xhtml'], load: async () => (await import('./html.ts')).extractHtml },
  { type: 'pdf', extensions: ['pdf'], load: async () => (await import('./pdf.ts')).extractPdf },
  {
    type: 'docx',
    extensions: ['docx', 'docm'],
    load: async () => (await import('./word-document.ts')).extractWordDocument,
  },
  {
    type: 'pptx',
    extensions: ['pptx', 'pptm'],
    load: async () => (await import('./presentation.ts')).extractPresentation,
  },
  { type: 'xlsx', extensions: ['xlsx', 'xlsm'], load: async () => (await import('./workbook.ts')).extractWorkbook },
  {
    type: 'csv',
    extensions: ['csv', 'tsv'],
    load: async () => (await import('./separated-values.ts')).extractSeparatedValues,
  },
  { type: 'json', extensions: ['json', 'jsonl', 'ndjson'], load: async () => (await import('./json.ts')).extractJson },
  { type: 'email', extensions: ['eml'], load: async () => (await import('./email.ts')).extractEmail },
  { type: 'code', extensions: code.split(' '), load: async () => (await import('./plain-text.ts')).extractCode },
]

const byExtension = new Map(formats.flatMap((format) => format.extensions.map((extension) => [extension, format])))

/** The format by the extension of `path`, in any case. Throws DOCUMENTS_FILE_UNSUPPORTED for any other. */
export function formatOf(path: string): Format {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  const format = dot > 0 ? byExtension.get(name.slice(dot + 1).toLowerCase()) : undefined
  if (format) return format
  const known = formats.map(({ type }) => type).join(', ')
  throw documentsErrors.DOCUMENTS_FILE_UNSUPPORTED({ path, reason: `its extension names none of ${known}` })
}
