/**
 * Builds the packages and makes the tarballs that are published: `node tools/pack.ts [--out <folder>] [<package name> …]`. In the
 * repository `exports` name the sources, so that no tool needs a flag; here a staged copy of package.json is rewritten to `dist`. A package
 * is `private` in the repository so that it cannot be published any other way. Building happens in a copy, so that several may pack at once
 * and nothing is left in the repository.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** The fields of a package.json that packing reads or rewrites; all others are kept. */
export interface PackageManifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  /** What is published besides what is built. */
  readonly files?: readonly string[]
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Runtime and type declarations of one entry point. */
export interface PublishedEntry {
  readonly types: string
  readonly default: string
}

/** The package.json that is published: `src/*.ts` becomes `dist/*.js` and `.d.ts`, what only the repository needs is left out. */
export function publishedManifest(manifest: PackageManifest): object {
  const { private: _private, devDependencies: _devDependencies, exports = {}, bin, ...kept } = manifest
  const entries = Object.entries(exports).map(([subpath, source]): [string, PublishedEntry] => [
    subpath,
    { types: distOf(source, '.d.ts'), default: distOf(source, '.js') },
  ])
  const commands = Object.entries(bin ?? {}).map(([name, source]) => [name, distOf(source, '.js')])
  return {
    ...kept,
    exports: Object.fromEntries(entries),
    ...(bin && { bin: Object.fromEntries(commands) }),
    files: ['dist', ...(kept.files ?? []).filter((path) => path !== 'dist')],
  }
}

/**
 * Builds and packs packages of the repository at `root` into `out`, all of them when none is named. Returns the tarballs' paths. Throws
 * when a name is unknown, the build fails, or a built file loads a `.ts` file by URL, which no compiler rewrites.
 */
export function pack(root: string, out: string, names: readonly string[] = []): string[] {
  const all = globSync('{packages,adapters}/*/package.json', { cwd: root }).map((path) => join(root, dirname(path)))
  const known = new Map(all.map((folder) => [readManifest(folder).name, folder]))
  for (const name of names)
    if (!known.has(name)) throw new Error(`Cannot pack "${name}": there is ${[...known.keys()].join(', ')}`)
  const folders = (names.length > 0 ? names : [...known.keys()]).flatMap((name) => known.get(name) ?? [])
  const built = mkdtempSync(join(tmpdir(), 'keelson-build-'))
  try {
    copySources(root, all, built)
    const copies = folders.map((folder) => join(built, relative(root, folder)))
    execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--build', ...copies], built)
    mkdirSync(out, { recursive: true })
    return copies.map((folder) => packOne(root, folder, out))
  } finally {
    rmSync(built, { recursive: true })
  }
}

/** The sources as they are, with packages that find each other in the copy and third parties in the repository. */
function copySources(root: string, folders: readonly string[], copy: string): void {
  const modules = join(copy, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@keelson' && name !== 'keelson')
      symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction')
  cpSync(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'))
  for (const folder of folders) {
    const target = join(copy, relative(root, folder))
    cpSync(folder, target, {
      recursive: true,
      filter: (path) => !/^(dist|node_modules|test)$/.test(relative(folder, path)),
    })
    rmSync(join(target, 'tsconfig.tsbuildinfo'), { force: true })
    const link = join(modules, readManifest(folder).name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(target, link, 'junction')
  }
}

function packOne(root: string, folder: string, out: string): string {
  const staging = mkdtempSync(join(tmpdir(), 'keelson-pack-'))
  try {
    const manifest = readManifest(folder)
    cpSync(join(folder, 'dist'), join(staging, 'dist'), {
      recursive: true,
      filter: (path) => extname(path) !== '.tsbuildinfo',
    })
    copyAssets(folder, staging)
    for (const path of manifest.files ?? [])
      if (path !== 'dist') cpSync(join(folder, path), join(staging, path), { recursive: true })
    refuseSourceUrls(staging, manifest.name)
    for (const source of Object.values(manifest.bin ?? {})) chmodSync(join(staging, distOf(source, '.js')), 0o755)
    writeFileSync(join(staging, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
    cpSync(join(root, 'LICENSE'), join(staging, 'LICENSE'))
    const readme = join(folder, 'README.md')
    if (existsSync(readme)) cpSync(readme, join(staging, 'README.md'))
    const printed = execute('npm', ['pack', '--pack-destination', out, '--loglevel=error'], staging)
    return join(out, basename(printed.trim().split('\n').at(-1) ?? ''))
  } finally {
    rmSync(staging, { recursive: true })
  }
}

/** Files that the compiler leaves behind: styles, pages, SQL. */
function copyAssets(folder: string, staging: string): void {
  for (const path of globSync('src/**/*.*', { cwd: folder })) {
    if (/\.tsx?$/.test(path)) continue
    cpSync(join(folder, path), join(staging, 'dist', path.slice('src/'.length)))
  }
}

function refuseSourceUrls(staging: string, name: string): void {
  for (const path of globSync('dist/**/*.js', { cwd: staging })) {
    const [found] = /new URL\(\s*['"`][^'"`]*\.tsx?['"`]/.exec(readFileSync(join(staging, path), 'utf8')) ?? []
    if (found) throw new Error(`Cannot pack ${name}: ${path} has ${found}), which is not there once built`)
  }
}

function distOf(source: string, extension: '.js' | '.d.ts'): string {
  return source.replace(/^\.\/src\//, './dist/').replace(/\.tsx?$/, extension)
}

function readManifest(folder: string): PackageManifest {
  // npm has read this package.json before us and refuses other forms of these fields.
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageManifest
}

function execute(command: string, parameters: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...parameters], { cwd, encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`${command} ${parameters.join(' ')} failed:\n${error?.message ?? `${stdout}${stderr}`}`)
  return stdout
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname)
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } })
  try {
    for (const tarball of pack(root, resolve(values.out ?? join(root, 'dist', 'packages')), positionals))
      console.log(tarball)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
