/**
 * Compiles every TypeScript example of the README files and guides, so that none says what is no longer so. An example is a module: what it
 * uses of our packages, zod and vitest without importing it is imported for it, and what else it takes for granted is declared in a comment
 * of its page, which readers do not see:
 *
 *     <!-- examples take for granted
 *     declare const database: Database
 *     -->
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export interface Example {
  /** `docs/guides/contracts.md:12`, the line of its first line. */
  readonly place: string
  readonly code: string
}

/** Exported names by the package they are imported from. */
export type Exports = ReadonlyMap<string, string>

const root = dirname(import.meta.dirname)
const pages = ['README.md', 'docs/guides/*.md', 'packages/*/README.md', 'adapters/*/README.md']
const comment = /<!-- examples take for granted\n([\s\S]*?)-->/

/** The examples of a page, each with what the page takes for granted before it. */
export function examplesOf(page: string, markdown: string, exported: Exports): Example[] {
  const granted = comment.exec(markdown)?.[1] ?? ''
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: code = '', index }) => ({
    place: `${page}:${markdown.slice(0, index).split('\n').length + 1}`,
    code: moduleOf(code, granted, exported),
  }))
}

/** On as many lines before the example as it takes, so that a complaint's line can be told. */
function moduleOf(example: string, granted: string, exported: Exports): string {
  // A file beside the example is not there; its page says what it has.
  const code = example.replaceAll(/^import .* from '\.[^']*'$/gm, '')
  const own = declaredIn(code)
  const kept = granted
    .split(/\n(?=(?:declare|const|interface|type|import)\b)/)
    .filter((statement) => [...declaredIn(statement)].every((name) => !own.has(name)))
    .join('\n')
  const known = new Set([...own, ...declaredIn(kept)])
  const used = new Set(`${kept}\n${code}`.match(/\b[A-Za-z_]\w*\b/g))
  const imports = [...exported]
    .filter(([name]) => used.has(name) && !known.has(name))
    .map(([name, from]) => `import { ${name} } from '${from}'`)
  return `${[...imports, kept].join('\n')}\n${marker}\n${code}\nexport {}\n`
}

const marker = '// The example.'

/** What a piece of code imports or declares at any depth: enough to know what it does not take from elsewhere. */
function declaredIn(code: string): Set<string> {
  const names = new Set<string>()
  for (const [, list = ''] of code.matchAll(/^import (?:type )?\{([^}]*)\}/gm))
    for (const one of list.split(','))
      names.add(
        one
          .trim()
          .replace(/^type /, '')
          .replace(/^.* as /, ''),
      )
  for (const [, name = ''] of code.matchAll(/^import \* as (\w+)/gm)) names.add(name)
  for (const [, name = ''] of code.matchAll(/\b(?:const|let|function|class|interface|type) (\w+)/g)) names.add(name)
  for (const [, list = ''] of code.matchAll(/\b(?:const|let) [{[]([^}\]]*)[}\]]/g))
    for (const one of list.split(',')) names.add(one.replace(/^.*: /, '').trim())
  return names
}

/** What the public entry points of our packages export, and the few names of others that examples use. */
function readExports(): Exports {
  const exported = new Map<string, string>([['z', 'zod']])
  for (const name of ['expect', 'it', 'test']) exported.set(name, 'vitest')
  for (const entry of globSync('{packages,adapters}/*/src/{testing,index}.ts', { cwd: root }).sort()) {
    const manifest = JSON.parse(readFileSync(join(root, dirname(dirname(entry)), 'package.json'), 'utf8')) as {
      name: string
    }
    const from = basename(entry) === 'index.ts' ? manifest.name : `${manifest.name}/testing`
    const source = readFileSync(join(root, entry), 'utf8')
    for (const [, name = ''] of source.matchAll(/^export (?:async )?(?:function|const) (\w+)/gm))
      exported.set(name, from)
    for (const [, list = ''] of source.matchAll(/^export (?:type )?\{([^}]*)\}/gm))
      for (const one of list.split(',')) {
        const name = one
          .trim()
          .replace(/^type /, '')
          .replace(/^.* as /, '')
        if (name) exported.set(name, from)
      }
  }
  return exported
}

/** The compiler's complaints with the places in the pages. */
function complaints(examples: readonly Example[]): string {
  const folder = join(root, 'node_modules/.docs-examples')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [at, { code }] of examples.entries()) writeFileSync(join(folder, `example-${at}.ts`), code)
  const compilerOptions = { noEmit: true, verbatimModuleSyntax: false, erasableSyntaxOnly: false }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions,
      include: ['*.ts', '../../packages/*/src/**/*.d.ts'],
    }),
  )
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  rmSync(folder, { recursive: true, force: true })
  return stdout.replaceAll(/^example-(\d+)\.ts\((\d+),\d+\)/gm, (_, number: string, line: string) => {
    const { place, code } = examples[Number(number)] ?? { place: '?', code: '' }
    const before = code.split('\n').indexOf(marker) + 1
    return `${place.replace(/\d+$/, '')}${Number(place.replace(/^.*:/, '')) + Number(line) - before - 1}`
  })
}

if (import.meta.main) {
  const exported = readExports()
  const examples = globSync(pages, { cwd: root })
    .sort()
    .flatMap((page) => examplesOf(page, readFileSync(join(root, page), 'utf8'), exported))
  const found = complaints(examples)
  process.stdout.write(found || `${examples.length} examples compile\n`)
  process.exitCode = found ? 1 : 0
}
