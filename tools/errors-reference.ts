/**
 * Writes `docs/reference/errors.md`: every error code of every package, from the catalogues themselves. `--check` writes nothing and
 * fails when the page is out of step. Statuses are asked of the code that answers HTTP callers, so the page cannot tell another story.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ErrorKind, KeelsonError } from '../packages/kernel/src/keelson-error.ts'
import { problemOf } from '../packages/services/src/listener/problem.ts'

/** What the page says of one error. */
export interface ErrorEntry {
  readonly code: string
  readonly kind: ErrorKind
  readonly retryable: boolean
  readonly when: string
}

/** The errors of one package or service. */
export interface ErrorCatalogue {
  /** `packages/kernel`, `apps/research/services/documents`. */
  readonly owner: string
  readonly errors: readonly ErrorEntry[]
}

const cataloguePatterns = ['packages/*/src/errors.ts', 'adapters/*/src/errors.ts', 'apps/*/services/*/src/errors.ts']

/** Loads every `errors.ts` under `root`: packages first, then adapters, then the services of apps. */
export async function readCatalogues(root: string): Promise<ErrorCatalogue[]> {
  const catalogues: ErrorCatalogue[] = []
  for (const pattern of cataloguePatterns) {
    for (const path of globSync(pattern, { cwd: root }).sort()) {
      const exported: Record<string, unknown> = await import(pathToFileURL(join(root, path)).href)
      const owner = dirname(dirname(path)).split(sep).join('/')
      catalogues.push({ owner, errors: errorsOf(exported) })
    }
  }
  return catalogues
}

/** Everything that `defineErrors` made among a module's exports, by code. */
export function errorsOf(exported: Readonly<Record<string, unknown>>): ErrorEntry[] {
  const errors: ErrorEntry[] = []
  for (const catalogue of Object.values(exported)) {
    if (typeof catalogue !== 'object' || catalogue === null) continue
    for (const factory of Object.values(catalogue)) {
      if (!isFactory(factory)) continue
      const { kind, retryable = false, when } = factory.definition
      errors.push({ code: factory.code, kind, retryable, when })
    }
  }
  return errors.sort((a, b) => (a.code < b.code ? -1 : 1))
}

interface Factory {
  readonly code: string
  readonly definition: { readonly kind: ErrorKind; readonly retryable?: boolean; readonly when: string }
}

function isFactory(value: unknown): value is Factory {
  return typeof value === 'function' && 'code' in value && 'definition' in value
}

/** Codes that more than one entry claims: a caller could not tell them apart. */
export function duplicateCodes(catalogues: readonly ErrorCatalogue[]): { code: string; owners: string[] }[] {
  const owners = new Map<string, string[]>()
  for (const { owner, errors } of catalogues)
    for (const { code } of errors) owners.set(code, [...(owners.get(code) ?? []), owner])
  return [...owners].filter(([, all]) => all.length > 1).map(([code, all]) => ({ code, owners: all }))
}

/** The page, with one table per catalogue that has errors. */
export function errorsPage(catalogues: readonly ErrorCatalogue[]): string {
  const sections = catalogues.filter(({ errors }) => errors.length > 0).map(section)
  return `${introduction}\n${sections.join('\n')}`
}

const introduction = `# Errors

<!-- Generated from the errors.ts of each package by \`node tools/errors-reference.ts\`. Edit those. -->

Every failure carries a stable \`code\`; test for it with \`isError(error, 'SOME_CODE')\`, never by class or message. The kind says whose
move it is, and an HTTP caller sees it as the status. *Retry* means that the same call may succeed later without a change.
`

function section({ owner, errors }: ErrorCatalogue): string {
  const rows = errors.map(
    (error) =>
      `| \`${error.code}\` | ${error.kind} | ${statusOf(error)} | ${error.retryable ? 'yes' : ''} | ${cell(error.when)} |`,
  )
  return [`## ${owner}`, '', '| Code | Kind | HTTP | Retry | When |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}

function statusOf({ code, kind }: ErrorEntry): number {
  return problemOf(new KeelsonError({ code, kind, message: '' }), '').status
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ')
}

async function main(root: string): Promise<void> {
  const catalogues = await readCatalogues(root)
  const count = catalogues.reduce((sum, { errors }) => sum + errors.length, 0)
  const duplicates = duplicateCodes(catalogues)
  for (const { code, owners } of duplicates) console.error(`${code} is defined by ${owners.join(' and ')}`)
  if (count === 0) console.error('No error was found in any errors.ts')
  if (duplicates.length > 0 || count === 0) {
    process.exitCode = 1
    return
  }
  const file = join(root, 'docs', 'reference', 'errors.md')
  const page = errorsPage(catalogues)
  if (!process.argv.includes('--check')) writeFileSync(file, page)
  else if (readIfThere(file) !== page) {
    console.error('docs/reference/errors.md is out of step; run: node tools/errors-reference.ts')
    process.exitCode = 1
    return
  }
  console.log(`${count} errors of ${catalogues.length} catalogues`)
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

if (import.meta.main) await main(dirname(import.meta.dirname))
