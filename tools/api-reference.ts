/**
 * Writes `docs/reference/api/`: a page per package with everything it exports, from the documentation in its sources. `--check` writes
 * nothing and fails when a page is out of step. Our own generator rather than TypeDoc: it needs nothing more than the parser that the
 * structure check uses, takes a tenth of a second, and shows declarations as they were written.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { type ExportedName, exportedNames } from './exported-declarations.ts'

/** What one import path of a package gives. */
export interface EntryPoint {
  /** `@keelson/kernel/testing`. */
  readonly specifier: string
  readonly names: readonly ExportedName[]
}

export interface PackageReference {
  /** The page's name: that of the folder. */
  readonly page: string
  readonly name: string
  readonly description: string
  readonly entries: readonly EntryPoint[]
}

const remark = '<!-- Generated from the sources by `node tools/api-reference.ts`. Edit the comments there. -->'

/** Every package and adapter below `root`. */
export function readPackages(root: string): PackageReference[] {
  return globSync('{packages,adapters}/*/package.json', { cwd: root })
    .map((path) => join(root, dirname(path)))
    .map((folder): PackageReference => {
      const { name, description, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const entries = Object.entries<string>(exports).map(([subpath, source]) => ({
        specifier: name + subpath.slice(1),
        names: exportedNames(join(folder, source)),
      }))
      return { page: `${basename(folder)}.md`, name, description, entries }
    })
    .sort(byName)
}

/** The list of packages. */
export function indexPage(packages: readonly PackageReference[]): string {
  const rows = packages.map(({ page, name, description }) => `| [\`${name}\`](${page}) | ${description} |`)
  return `# API\n\n${remark}\n\n| Package | |\n|---|---|\n${rows.join('\n')}\n`
}

/** One page; sources are named from `root`. */
export function packagePage({ name, description, entries }: PackageReference, root: string): string {
  const anchors = new Anchors()
  const sections = entries.map(({ specifier, names }) => {
    const ordered = kinds.flatMap(({ kind }) => names.filter((one) => one.kind === kind).sort(byName))
    const links = new Map(ordered.map((one) => [one, `[\`${one.name}\`](#${anchors.next(one.name)})`]))
    const contents = kinds
      .map(({ kind, title }) => ({ title, some: ordered.filter((one) => one.kind === kind) }))
      .filter(({ some }) => some.length > 0)
      .map(({ title, some }) => `${title}: ${some.map((one) => links.get(one)).join(', ')}`)
    return `## ${specifier}\n\n${contents.join('\n\n')}\n\n${ordered.map((one) => section(one, root)).join('\n')}`
  })
  return `# ${name}\n\n${remark}\n\n${description}\n\n${sections.join('\n')}`
}

const kinds = [
  { kind: 'function', title: 'Functions' },
  { kind: 'value', title: 'Values' },
  { kind: 'type', title: 'Types' },
] as const

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}

/** Anchors of headings as GitHub makes them: lower case, and numbered from the second on. */
class Anchors {
  readonly #used = new Map<string, number>()

  next(heading: string): string {
    const anchor = heading.toLowerCase()
    const used = this.#used.get(anchor) ?? 0
    this.#used.set(anchor, used + 1)
    return used === 0 ? anchor : `${anchor}-${used}`
  }
}

function section({ name, file, documentation, declaration }: ExportedName, root: string): string {
  const source = relative(root, file).replaceAll('\\', '/')
  const text = documentation === '' ? '' : `${markdownOf(documentation)}\n\n`
  return `### ${name}\n\n${text}\`\`\`ts\n${declaration}\n\`\`\`\n\nSource: [${source}](../../../${source})\n`
}

/** Documentation as Markdown: examples become code, `@throws` and `@param` a word of text. */
export function markdownOf(documentation: string): string {
  const [prose = '', ...tags] = documentation.split(/^@(?=\w)/m)
  const parts = tags.map((tag) => {
    const [, word = '', text = ''] = /^(\w+)\s*([\s\S]*)$/.exec(tag.trim()) ?? []
    if (word === 'example') return `\`\`\`ts\n${text}\n\`\`\``
    if (word === 'throws') return `Throws ${text}`
    if (word === 'param') return text.replace(/^(\S+)\s*-?\s*/, '`$1`: ')
    return `${word}: ${text}`
  })
  return [prose.trim(), ...parts]
    .filter((part) => part !== '')
    .join('\n\n')
    .replace(/\{@link (\S+?)\}/g, '`$1`')
}

/** Writes or compares the pages. Returns the exit code. */
function run(root: string, isChecking: boolean): number {
  const folder = join(root, 'docs/reference/api')
  const packages = readPackages(root)
  const pages = new Map([['README.md', indexPage(packages)]])
  for (const one of packages) pages.set(one.page, packagePage(one, root))
  const gone = globSync('*.md', { cwd: folder }).filter((page) => !pages.has(page))
  if (isChecking) {
    const isStale = (page: string, text: string) =>
      !existsSync(join(folder, page)) || readFileSync(join(folder, page), 'utf8') !== text
    const stale = [...pages].filter(([page, text]) => isStale(page, text)).map(([page]) => page)
    if (stale.length + gone.length === 0) return 0
    console.error(
      `docs/reference/api is out of step (${[...stale, ...gone].join(', ')}); run: node tools/api-reference.ts`,
    )
    return 1
  }
  mkdirSync(folder, { recursive: true })
  for (const page of gone) rmSync(join(folder, page))
  for (const [page, text] of pages) writeFileSync(join(folder, page), text)
  return 0
}

if (import.meta.main) process.exitCode = run(dirname(import.meta.dirname), process.argv.includes('--check'))
