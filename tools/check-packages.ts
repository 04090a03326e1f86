/**
 * `node tools/check-packages.ts [--write]`: packs every package and proves the tarballs from outside: publint, are-the-types-wrong, no
 * install script, a consumer that compiles without skipLibCheck, and a system that runs on the oldest Node we promise and the newest there
 * is. The sizes in docs/reference/packages.md are compared, or written. Takes a minute and the registry, so it belongs to CI.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { needsInstall } from './bench.ts'
import { pack } from './pack.ts'

/** One packed package, as its row in the reference says it. */
export interface PackedPackage {
  readonly name: string
  readonly description: string
  readonly entries: readonly string[]
  readonly packedBytes: number
  readonly unpackedBytes: number
}

const root = dirname(import.meta.dirname)
const checks = join(root, 'tools', 'package-checks')
const reference = join(root, 'docs', 'reference', 'packages.md')
const nodes = ['node-22', 'node-24', 'node-26']

/** A size may move this far from what the page says before it must be written again. */
const sizeTolerance = 0.25

/** The reference page. */
export function renderPackages(packages: readonly PackedPackage[]): string {
  const rows = packages.map(
    ({ name, description, entries, packedBytes, unpackedBytes }) =>
      `| \`${name}\` | ${description} | ${entries.map((entry) => `\`${entry}\``).join(' ')} | ${kilobytes(packedBytes)} | ${kilobytes(unpackedBytes)} |`,
  )
  return `# Packages

What \`npm run pack\` makes. ES modules with type declarations, without an install script; Node 22.19 or later. Sizes are in kB, of the tarball and
of what it unpacks to, without dependencies. Written by \`node tools/check-packages.ts --write\`.

| Package | | Import | Packed | Unpacked |
|---|---|---|--:|--:|
${rows.join('\n')}

Every tarball passes [publint](https://publint.dev) and [are the types wrong](https://arethetypeswrong.github.io) (profile \`esm-only\`), compiles
in a consumer with \`skipLibCheck\` off, and runs on Node 22.19.0, 24.21.0 and 26.10.0 (Linux, x64).
`
}

/** What the page says that is no longer so; empty when it is in step. */
export function staleRows(page: string, packages: readonly PackedPackage[]): string[] {
  const stated = new Map(
    [...page.matchAll(/^\| `([^`]+)` \|.*\| (\d+) \| (\d+) \|$/gm)].map(([, name, packed, unpacked]) => [
      name,
      [Number(packed), Number(unpacked)],
    ]),
  )
  const stale = packages.flatMap(({ name, packedBytes, unpackedBytes }) => {
    const sizes = stated.get(name)
    if (!sizes) return [`${name} is missing`]
    const isNear = [packedBytes, unpackedBytes].every((bytes, at) => isAbout(kilobytes(bytes), sizes[at] ?? 0))
    return isNear ? [] : [`${name} is ${kilobytes(packedBytes)} kB packed, ${kilobytes(unpackedBytes)} kB unpacked`]
  })
  const known = new Set(packages.map(({ name }) => name))
  return [...stale, ...[...stated.keys()].filter((name) => name && !known.has(name)).map((name) => `${name} is gone`)]
}

function isAbout(actual: number, stated: number): boolean {
  return Math.abs(actual - stated) <= Math.max(2, actual * sizeTolerance)
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1000)
}

/** Runs all checks and prints one line for each. Returns the exit code. */
function checkPackages(isWriting: boolean): number {
  if (needsInstall(checks)) execute('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], checks)
  const work = mkdtempSync(join(tmpdir(), 'keelson-packages-'))
  const failures: string[] = []
  const step = (name: string, run: () => string[]): void => {
    const problems = attempt(run)
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`)
    for (const problem of problems) console.log(problem)
    if (problems.length > 0) failures.push(name)
  }
  try {
    const tarballs = pack(root, work).sort()
    for (const tarball of tarballs) step(`publint and types of ${tarball.slice(work.length + 1)}`, () => lint(tarball))
    const consumer = join(work, 'consumer')
    step('install', () => install(consumer, tarballs))
    const packages = tarballs.map((tarball) => describe(tarball, consumer))
    step('types of a consumer', () => compile(consumer, packages))
    for (const node of nodes) runOn(node, consumer, packages, step)
    if (isWriting && failures.length === 0) writeFileSync(reference, renderPackages(packages))
    else step('docs/reference/packages.md', () => staleRows(readFileSync(reference, 'utf8'), packages))
  } finally {
    rmSync(work, { recursive: true })
  }
  return failures.length === 0 ? 0 : 1
}

function lint(tarball: string): string[] {
  return [
    ...attempt(() => done(bin('publint'), ['run', tarball, '--strict'], checks)),
    ...attempt(() => done(bin('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'], checks)),
  ]
}

/** Installs the tarballs as a user would, and finds packages with install scripts among all that came. */
function install(consumer: string, tarballs: readonly string[]): string[] {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  execute('mkdir', ['-p', consumer], root)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const types = `@types/node@${devDependencies['@types/node']}`
  execute('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', types, ...tarballs], consumer)
  const lock = JSON.parse(readFileSync(join(consumer, 'package-lock.json'), 'utf8'))
  return Object.entries<{ hasInstallScript?: boolean }>(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => `${path} runs a script when it is installed`)
}

function describe(tarball: string, consumer: string): PackedPackage {
  const manifest = JSON.parse(execute('tar', ['-xzOf', tarball, 'package/package.json'], consumer))
  const sizes = execute('tar', ['-tvzf', tarball], consumer).matchAll(/^\S+ \S+ +(\d+) /gm)
  return {
    name: manifest.name,
    description: manifest.description,
    entries: Object.keys(manifest.exports).map((entry) => manifest.name + entry.slice(1)),
    packedBytes: statSync(tarball).size,
    unpackedBytes: [...sizes].reduce((sum, [, bytes]) => sum + Number(bytes), 0),
  }
}

function compile(consumer: string, packages: readonly PackedPackage[]): string[] {
  const entries = packages.flatMap(({ entries }) => entries)
  const imports = entries.map((entry, at) => `import * as p${at} from '${entry}'`)
  writeFileSync(
    join(consumer, 'all.ts'),
    `${imports.join('\n')}\nconsole.log(${entries.map((_, at) => `p${at}`).join()})\n`,
  )
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  }
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['all.ts'] }))
  return done(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], consumer)
}

/** Imports every entry and runs a system with a database, a log and a listener. */
function runOn(
  alias: string,
  consumer: string,
  packages: readonly PackedPackage[],
  step: (name: string, run: () => string[]) => void,
): void {
  const node = join(checks, 'node_modules', alias, 'bin', 'node')
  if (!existsSync(node)) {
    console.log(`-      ${alias}: not installed on this platform (${process.platform} ${process.arch})`)
    return
  }
  const imports = packages.flatMap(({ entries }) => entries).map((entry) => `await import('${entry}')`)
  const main = join(consumer, 'main.mjs')
  writeFileSync(main, `${imports.join('\n')}\n${trialSystem}`)
  step(`a system on ${alias} (${execute(node, ['--version'], consumer).trim()})`, () => [
    ...done(node, ['--disable-warning=ExperimentalWarning', main], consumer),
    ...projectRuns(node, consumer, `project-on-${alias}`),
  ])
}

/** A project as `keelson new` writes it, below the consumer and so on its packages: TypeScript as it is, and its own test. */
function projectRuns(node: string, consumer: string, name: string): string[] {
  const keelson = join(consumer, 'node_modules/keelson/dist/keelson.js')
  const project = join(consumer, name)
  execute(node, [keelson, 'new', name], consumer)
  const call = [keelson, 'call', 'greetings.greet', '--input', '{"name":"Ada"}', '--json']
  const { text } = JSON.parse(execute(node, call, project))
  done(node, ['--test', 'test/*.test.ts'], project)
  return text === 'Hello, Ada' ? [] : [`greetings.greet answered ${text}`]
}

const trialSystem = `
import { Database, defineContract, query } from '@keelson/kernel'
import { defineService, defineSystem, http, startSystem } from '@keelson/services'
import { pglite } from '@keelson/pglite'
import { pino } from '@keelson/pino'
import * as z from 'zod'
const Sums = defineContract('sums', '1.0.0', {
  one: query({ output: z.object({ sum: z.number() }) }, http('GET /v1/one')),
})
const sums = defineService(Sums, {
  uses: { database: Database },
  start: ({ database }) => ({
    one: async () => ({ sum: (await database.query('select 1 + 1 as sum')).rows[0].sum }),
  }),
})
const system = defineSystem({
  name: 'trial',
  services: [sums],
  adapters: [pglite(), pino()],
  config: { listener: { port: 0 } },
})
const running = await startSystem(system, { persist: false })
const answer = await (await fetch(running.url + '/v1/one')).json()
await running.close()
if (answer.sum !== 2) throw new Error('wrong answer: ' + JSON.stringify(answer))
`

function bin(name: string): string {
  return join(checks, 'node_modules', '.bin', name)
}

function attempt(run: () => string[]): string[] {
  try {
    return run()
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Nothing when the command succeeds; throws with its output otherwise. */
function done(command: string, parameters: readonly string[], cwd: string): string[] {
  execute(command, parameters, cwd)
  return []
}

function execute(command: string, parameters: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...parameters], { cwd, encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`${command} ${parameters.join(' ')} failed:\n${error?.message ?? `${stdout}${stderr}`}`)
  return stdout
}

if (import.meta.main) process.exitCode = checkPackages(process.argv.includes('--write'))
