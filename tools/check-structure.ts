/**
 * Checks the shape of the repository: reads every source file, hands them to the rules of `structure.ts` and prints what breaks one.
 * Seeing implausibly little is a failure too: a check that reads nothing passes for ever.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { type Manifest, type Tree, violationsOf } from './structure.ts'

const sourcePatterns = ['{packages,adapters}/*/src/**/*.{ts,tsx}', '{apps,examples,benchmarks}/**/*.{ts,tsx}']
const manifestPatterns = ['package.json', '{packages,adapters,apps,examples,benchmarks}/*/package.json']

/** Fewer files than this means that the patterns, not the repository, are wrong. */
const plausibleFiles = 20

/** Every source file and package.json under `root` that the rules are about. Throws when it finds implausibly few. */
export function readTree(root: string): Tree {
  const paths = find(root, sourcePatterns).filter((path) => !path.endsWith('.d.ts'))
  if (paths.length < plausibleFiles) throw new Error(`Only ${paths.length} source files were found below ${root}`)
  return {
    files: paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
    manifests: find(root, manifestPatterns).map((path) => readManifest(root, path)),
  }
}

function find(root: string, patterns: readonly string[]): string[] {
  const isGenerated = (path: string) => /(^|[\\/])(node_modules|dist|\.keelson)$/.test(path)
  const found = globSync([...patterns], { cwd: root, exclude: isGenerated })
  return found.map((path) => relative(root, join(root, path)).split(sep).join('/')).sort()
}

/** The fields of a package.json that the rules look at. */
interface ManifestFields {
  readonly name?: string
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

function readManifest(root: string, path: string): Manifest {
  // npm has read this package.json before us and refuses other forms of these fields.
  const fields = JSON.parse(readFileSync(join(root, path), 'utf8')) as ManifestFields
  const folder = dirname(path)
  return {
    folder: folder === '.' ? '' : folder,
    name: fields.name ?? folder,
    dependencies: Object.keys({ ...fields.dependencies, ...fields.peerDependencies, ...fields.optionalDependencies }),
    devDependencies: Object.keys(fields.devDependencies ?? {}),
    exports: Object.keys(fields.exports ?? {}),
  }
}

if (import.meta.main) {
  const tree = readTree(dirname(import.meta.dirname))
  const violations = violationsOf(tree)
  for (const { path, line, rule, message } of violations) console.error(`${path}:${line} ${rule}: ${message}`)
  console.log(`${tree.files.length} files, ${violations.length} violations`)
  process.exitCode = violations.length > 0 ? 1 : 0
}
