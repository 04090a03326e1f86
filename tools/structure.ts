/**
 * The rules of the repository's shape, as a pure function from files to violations: the ladder of packages and the walls inside them, public entry points only,
 * services that meet through contracts, no import cycles, those of types included. Our own check rather than a general one, because an unknown package must be an
 * error and the rules fit on a page.
 */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { importCycles } from './import-cycles.ts'
import { type ModuleImport, type ParsedModule, parseModule } from './module-imports.ts'

/** What the rules look at. Paths are relative to the repository, with forward slashes. */
export interface Tree {
  readonly manifests: readonly Manifest[]
  readonly files: readonly { readonly path: string; readonly text: string }[]
}

/** What a package.json says; the repository's own has the folder `''`. */
export interface Manifest {
  readonly folder: string
  readonly name: string
  /** What comes along when it is installed: dependencies, peer and optional ones. */
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
  /** Keys of `exports`: `.`, `./testing`. */
  readonly exports: readonly string[]
}

export interface Violation {
  readonly path: string
  readonly line: number
  readonly rule: Rule
  readonly message: string
}

export type Rule =
  | 'syntax'
  | 'ladder'
  | 'cycle'
  | 'wall'
  | 'entry-point'
  | 'unknown-package'
  | 'unlisted'
  | 'composition'
  | 'contract'
  | 'extension'
  | 'export-star'
  | 'index-file'

/** A package imports from strictly lower rungs only. */
export const rungs: Readonly<Record<string, number>> = {
  kernel: 0,
  telemetry: 1,
  resilience: 1,
  services: 2,
  events: 2,
  infrastructure: 2,
  control: 3,
  gateway: 3,
  observe: 3,
  ml: 3,
  console: 4,
  deploy: 4,
  cli: 5,
}

/**
 * The rooms of a package, lowest first: a room imports only from rooms that stand before its own, and rooms that stand together never
 * import each other. Files beside the rooms, such as `errors.ts`, belong to all. A package that is not listed has no walls.
 */
export const walls: Readonly<Record<string, readonly (readonly string[])[]>> = {
  services: [['listener'], ['facade'], ['service'], ['registry', 'rest'], ['system'], ['mocks']],
}

/** The highest rung that an adapter may import. */
const adapterRung = 3

/** What benchmarks may import besides packages. */
const benchmarkTools = [
  'tools/bench.ts',
  'tools/measure.ts',
  'tools/pack.ts',
  'tools/real-servers.ts',
  'tools/research-process.ts',
  'tools/scifact.ts',
]

/** Everything that breaks a rule, by path and line. */
export function violationsOf(tree: Tree): Violation[] {
  const modules = new Map(tree.files.map(({ path, text }) => [path, parseModule(path, text)]))
  const repository = new Repository(tree.manifests)
  const violations = tree.manifests.flatMap((manifest) => manifestViolations(manifest, repository))
  for (const [path, module] of modules) violations.push(...fileViolations(path, module, repository))
  for (const cycle of importCycles(importEdges(modules)))
    violations.push({ path: cycle[0] ?? '', line: 1, rule: 'cycle', message: `${[...cycle, cycle[0]].join(' -> ')}` })
  return violations.sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
}

type House = 'packages' | 'adapters' | 'apps' | 'examples' | 'benchmarks'

/** Whose a file is: `packages/kernel`, `apps/research`, …; what lies elsewhere belongs to the repository itself. */
interface Place {
  readonly house: House | undefined
  readonly folder: string
}

class Repository {
  readonly #byName: ReadonlyMap<string, Manifest>
  readonly #byFolder: ReadonlyMap<string, Manifest>

  constructor(manifests: readonly Manifest[]) {
    this.#byName = new Map(manifests.map((manifest) => [manifest.name, manifest]))
    this.#byFolder = new Map(manifests.map((manifest) => [manifest.folder, manifest]))
  }

  named(name: string): Manifest | undefined {
    return this.#byName.get(name)
  }

  at(folder: string): Manifest | undefined {
    return this.#byFolder.get(folder)
  }
}

function manifestViolations(manifest: Manifest, repository: Repository): Violation[] {
  const path = posix.join(manifest.folder, 'package.json')
  const from = placeOf(path)
  const violation = (rule: Rule, message: string): Violation => ({ path, line: 1, rule, message })
  if (from.house === 'packages' && rungOf(from) === undefined)
    return [violation('ladder', `${from.folder} has no rung; give it one in tools/structure.ts`)]
  const found: Violation[] = []
  const check = (name: string, isDev: boolean): void => {
    const target = repository.named(name)
    if (target) {
      const refusal = isDev || from.house === 'apps' ? topRefusal(placeOfManifest(target)) : refusalOf(from, target)
      if (refusal) found.push(violation('ladder', `depends on ${name}: ${refusal}`))
    } else if (name.startsWith('@keelson/')) {
      found.push(violation('unknown-package', `depends on ${name}, which is no package of this repository`))
    }
  }
  for (const name of manifest.dependencies) check(name, false)
  for (const name of manifest.devDependencies) check(name, true)
  return found
}

function fileViolations(path: string, module: ParsedModule, repository: Repository): Violation[] {
  const found: Violation[] = []
  const report = (line: number, rule: Rule, message: string): void => {
    found.push({ path, line, rule, message })
  }
  for (const error of module.errors) report(1, 'syntax', error)
  for (const line of module.starExports) report(line, 'export-star', 'list the exported names')
  if (/^index\.tsx?$/.test(posix.basename(path)) && !/^(packages|adapters)\/[^/]+\/src\/index\.ts$/.test(path))
    report(1, 'index-file', 'only the public surface, src/index.ts of a package, is called index')
  for (const one of module.imports) {
    const broken = /^\.{0,2}\//.test(one.specifier)
      ? relativeImport(path, one.specifier)
      : packageImport(path, one, repository)
    for (const [rule, message] of broken) report(one.line, rule, `imports ${one.specifier}: ${message}`)
  }
  return found
}

type Broken = [rule: Rule, message: string][]

function relativeImport(path: string, specifier: string): Broken {
  const broken: Broken = []
  const file = specifier.replace(/\?.*$/, '')
  if (!/\.(tsx?|css|json|svg|html)$/.test(file))
    broken.push(['extension', 'a relative import carries its extension, .ts or .tsx'])
  const target = posix.join(posix.dirname(path), file)
  const from = placeOf(path)
  const wall = wallBetween(path, target)
  if (wall) broken.push(['wall', wall])
  if (!target.startsWith(`${from.folder}/`)) {
    const isMeasuring = from.house === 'benchmarks' && benchmarkTools.includes(target)
    if (!isMeasuring) broken.push(['entry-point', `leaves ${from.folder}; import the package by its name`])
  } else if (from.house === 'apps' && !mayMeet(path, target)) {
    broken.push(['contract', 'services and pages of an app meet only through services/<name>/src/contract.ts'])
  }
  return broken
}

/** Why a file may not import another one of its package, if so. */
function wallBetween(path: string, target: string): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)]
  if (!from || !to || from.name === to.name || from.rooms !== to.rooms) return undefined
  const levels = [from, to].map(({ rooms, name }) => rooms.findIndex((level) => level.includes(name)))
  const [own = -1, other = -1] = levels
  if (own < 0 || other < 0)
    return `"${own < 0 ? from.name : to.name}" has no place among the rooms; give it one in tools/structure.ts`
  return other < own ? undefined : `"${from.name}" imports only from rooms below it, and "${to.name}" is none`
}

/** The room of a file in a package with walls; undefined for a file beside the rooms. */
function roomOf(path: string) {
  const [, name = '', room] = /^packages\/([^/]+)\/src\/([^/]+)\//.exec(path) ?? []
  const rooms = walls[name]
  return rooms && room !== undefined ? { rooms, name: room } : undefined
}

/** The parts of an app are its services and its pages; its root (composition, tests) may see them all. */
function mayMeet(path: string, target: string): boolean {
  const part = partOf(path)
  if (part === '' || part === partOf(target)) return true
  return /^apps\/[^/]+\/services\/[^/]+\/src\/contract\.ts$/.test(target) || (isTest(path) && isTest(target))
}

function partOf(path: string): string {
  return /^apps\/[^/]+\/(services\/[^/]+|web)\//.exec(path)?.[1] ?? ''
}

function packageImport(path: string, { specifier, isType }: ModuleImport, repository: Repository): Broken {
  if (isBuiltin(specifier)) return []
  const [name, subpath] = splitSpecifier(specifier)
  const from = placeOf(path)
  const target = repository.named(name)
  if (!target && name.startsWith('@keelson/')) return [['unknown-package', 'is no package of this repository']]
  const broken: Broken = []
  if (target) {
    const refusal = refusalOf(from, target)
    if (refusal) broken.push(['ladder', refusal])
    if (subpath !== '.' && subpath !== './testing')
      broken.push(['entry-point', `only ${name} and ${name}/testing are public`])
    else if (!target.exports.includes(subpath)) broken.push(['entry-point', `the package does not export "${subpath}"`])
    if (from.house === 'apps' && target.folder.startsWith('adapters/') && !isComposition(path))
      broken.push(['composition', 'only keelson.config.ts and tests of an app choose adapters'])
  }
  if (!isListed(path, name, isType, from, repository))
    broken.push(['unlisted', `${from.folder}/package.json does not list ${name}`])
  return broken
}

function isListed(path: string, name: string, isType: boolean, from: Place, repository: Repository): boolean {
  const own = repository.at(from.folder)
  if (own?.dependencies.includes(name)) return true
  if (from.house === 'packages' || from.house === 'adapters') return name === own?.name
  const isRootTool = repository.at('')?.devDependencies.includes(name) === true
  // Examples and benchmarks are no workspaces: what is installed for the repository they find by walking up.
  if (from.house !== 'apps') return !own || isRootTool || repository.named(name) !== undefined
  const isDevelopment = isType || isTest(path) || partOf(path) === 'web' || /(?<!keelson)\.config\.ts$/.test(path)
  return isDevelopment && (own?.devDependencies.includes(name) === true || (isTest(path) && isRootTool))
}

/** Why `from` may not import `target`, if so. */
function refusalOf(from: Place, target: Manifest): string | undefined {
  const to = placeOfManifest(target)
  const top = topRefusal(to)
  if (top) return top
  if (to.folder === from.folder) return 'a package imports its own files by relative paths'
  if (to.folder === 'packages/cli') return 'nothing imports the command line'
  if (from.house === 'packages') {
    if (to.house === 'adapters') return 'a package never imports an adapter'
    const [own, other] = [rungOf(from), rungOf(to)]
    if (own !== undefined && other !== undefined && other >= own)
      return `rung ${own} imports only from lower rungs, this one is on rung ${other}`
  }
  if (from.house === 'adapters') {
    if (to.house === 'adapters') return 'adapters never import each other'
    if ((rungOf(to) ?? 0) > adapterRung) return `an adapter implements contracts of rungs 0 to ${adapterRung}`
  }
  return undefined
}

function topRefusal(to: Place): string | undefined {
  const isTop = to.house !== 'packages' && to.house !== 'adapters'
  return isTop ? 'nothing imports an app, an example or a benchmark' : undefined
}

/** Relative imports of each file, those of types included: what only the reader follows is a knot all the same. */
function importEdges(modules: ReadonlyMap<string, ParsedModule>): Map<string, string[]> {
  const edges = new Map<string, string[]>()
  for (const [path, module] of modules) {
    const targets = module.imports
      .filter((one) => one.specifier.startsWith('.'))
      .map((one) => posix.join(posix.dirname(path), one.specifier))
    edges.set(
      path,
      targets.filter((target) => modules.has(target)),
    )
  }
  return edges
}

function placeOf(path: string): Place {
  const [, folder, house] = /^((packages|adapters|apps|examples|benchmarks)\/[^/]+)\//.exec(path) ?? []
  // The pattern admits these five words only.
  return { house: house as House | undefined, folder: folder ?? '' }
}

function placeOfManifest({ folder }: Manifest): Place {
  return placeOf(`${folder}/package.json`)
}

function rungOf({ house, folder }: Place): number | undefined {
  return house === 'packages' ? rungs[posix.basename(folder)] : undefined
}

function isTest(path: string): boolean {
  return /\/test\/|\.test(-d)?\.tsx?$/.test(path)
}

function isComposition(path: string): boolean {
  return isTest(path) || posix.basename(path) === 'keelson.config.ts'
}

/** `@scope/name/sub` is the package `@scope/name` at `./sub`. */
function splitSpecifier(specifier: string): [name: string, subpath: string] {
  const parts = specifier.split('/')
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  return [name, name === specifier ? '.' : `.${specifier.slice(name.length)}`]
}
