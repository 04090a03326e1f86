/** Every kind of file that is indexed, by its extension. What reads one is loaded when the first such file comes. */
import type { Document } from '../../contract.ts'
import { documentsErrors } from '../../errors.ts'
import type { Extract } from './format.ts'

export type DocumentType = Document['type']

interface Format {
  readonly type: DocumentType
  /** In small letters, without the dot. */
  readonly extensions: readonly string[]
  /** Names of files without an extension, in small letters. */
  readonly names?: readonly string[]
  readonly load: () => Promise<Extract>
}

const code =
  'js mjs cjs jsx ts mts cts tsx py rb go rs java kt kts scala swift c h cc cpp cxx hpp hh cs fs php pl lua r jl dart ex exs erl clj hs ml sh bash zsh ps1 sql css scss less vue svelte proto graphql gql tf yaml yml toml ini xml'

/** Files of code that have a name instead of an extension; what follows a dot, as in `Dockerfile.dev`, says what they are for. */
const codeNames =
  'dockerfile containerfile makefile gnumakefile rakefile gemfile procfile jenkinsfile vagrantfile brewfile justfile caddyfile snakefile pipfile podfile fastfile build workspace meson.build cmakelists.txt go.mod'

const openDocument = async () => (await import('./open-document.ts')).extractOpenDocument

const formats: readonly Format[] = [
  {
    type: 'markdown',
    extensions: ['md', 'markdown', 'mdx'],
    load: async () => (await import('./markdown.ts')).extractMarkdown,
  },
  {
    type: 'text',
    extensions: ['txt', 'text', 'adoc', 'org', 'log', 'tex'],
    names: [
      'readme',
      'license',
      'licence',
      'copying',
      'notice',
      'authors',
      'contributors',
      'changelog',
      'changes',
      'news',
      'todo',
      'install',
    ],
    load: async () => (await import('./plain-text.ts')).extractText,
  },
  {
    type: 'text',
    extensions: ['rst'],
    load: async () => (await import('./restructured-text.ts')).extractRestructuredText,
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
  { type: 'odt', extensions: ['odt', 'ott'], load: openDocument },
  { type: 'ods', extensions: ['ods', 'ots'], load: openDocument },
  { type: 'odp', extensions: ['odp', 'otp'], load: openDocument },
  { type: 'epub', extensions: ['epub'], load: async () => (await import('./epub.ts')).extractEpub },
  { type: 'rtf', extensions: ['rtf'], load: async () => (await import('./rich-text.ts')).extractRichText },
  { type: 'notebook', extensions: ['ipynb'], load: async () => (await import('./notebook.ts')).extractNotebook },
  {
    type: 'subtitles',
    extensions: ['vtt', 'srt'],
    load: async () => (await import('./subtitles.ts')).extractSubtitles,
  },
  { type: 'email', extensions: ['eml'], load: async () => (await import('./email.ts')).extractEmail },
  {
    type: 'code',
    extensions: code.split(' '),
    names: codeNames.split(' '),
    load: async () => (await import('./plain-text.ts')).extractCode,
  },
]

const byExtension = new Map(formats.flatMap((format) => format.extensions.map((extension) => [extension, format])))
const byName = new Map(formats.flatMap((format) => (format.names ?? []).map((name) => [name, format])))

/** The format by the name of the file at `path`, in any case. Throws DOCUMENTS_FILE_UNSUPPORTED for any other. */
export function formatOf(path: string): Format {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot + 1) : ''
  const purpose = /^(dockerfile|containerfile|makefile)\./.exec(name)?.[1] ?? ''
  const format = byName.get(name) ?? byExtension.get(extension) ?? byName.get(purpose)
  if (format) return format
  const known = [...new Set(formats.map(({ type }) => type))].join(', ')
  throw documentsErrors.DOCUMENTS_FILE_UNSUPPORTED({ path, reason: `its name says that it is none of ${known}` })
}
