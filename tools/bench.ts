/**
 * `npm run bench -- <name> [--json]`: runs one benchmark in a Node of its own and prints what it found. Every benchmark is a folder with a
 * package.json of its own for the peers it compares with, installed here on first use, so that they weigh on nobody else.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

/** What the `run()` of a `<name>.bench.ts` resolves with. */
export interface BenchmarkResult {
  readonly rows: readonly BenchmarkRow[]
  readonly targets: readonly BenchmarkTarget[]
}

export interface BenchmarkRow {
  readonly subject: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

/** A promise that is kept or not on this machine in this run: ratios rather than absolute figures, wherever there is a peer. */
export interface BenchmarkTarget {
  readonly name: string
  readonly value: number
  /** What `value` must reach; whether from above or below is in the name. */
  readonly bound: number
  readonly unit: string
  readonly reached: boolean
}

/** The line that `--json` prints. */
export interface BenchmarkReport extends BenchmarkResult {
  readonly name: string
  readonly machine: Machine
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly node: string
  readonly platform: string
}

const resultPrefix = 'benchmark-result '

/** Benchmarks under `folder`, by name; one without its code yet is not among them. */
export function listBenchmarks(folder: string): { name: string; description: string }[] {
  return globSync('*/package.json', { cwd: folder })
    .map((path) => dirname(path))
    .filter((name) => existsSync(benchmarkFile(folder, name)))
    .sort()
    .map((name) => ({ name, description: describe(join(folder, name, 'package.json')) }))
}

/** The rows and targets as two aligned tables. */
export function renderReport({ name, machine, rows, targets }: BenchmarkReport): string {
  const { cpu, cores, node, platform, memoryBytes } = machine
  const lines = [
    `${name}: ${cpu}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB, Node ${node}, ${platform}`,
    '',
  ]
  lines.push(...table(rows.map((row) => [row.subject, row.metric, figure(row.value), row.unit])))
  if (targets.length > 0) lines.push('')
  lines.push(
    ...table(
      targets.map((target) => [
        target.reached ? 'reached' : 'MISSED',
        target.name,
        figure(target.value),
        `bound ${figure(target.bound)}`,
        target.unit,
      ]),
    ),
  )
  return lines.join('\n')
}

/** Whether peers must be installed: never done, or before package.json or its lock changed. */
export function needsInstall(folder: string): boolean {
  const manifest = join(folder, 'package.json')
  if (!hasDependencies(manifest)) return false
  const marker = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(marker)) return true
  const installed = statSync(marker).mtimeMs
  return [manifest, join(folder, 'package-lock.json')].some(
    (file) => existsSync(file) && statSync(file).mtimeMs > installed,
  )
}

/** The command. Returns the exit code: 0, 1 when the benchmark failed, 2 for a name that is none. */
export function bench(parameters: readonly string[], benchmarks: string): number {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  })
  const known = listBenchmarks(benchmarks)
  const [name] = positionals
  if (name === undefined) {
    for (const one of known) console.log(`${one.name.padEnd(16)} ${one.description}`)
    if (known.length === 0) console.log('There is no benchmark yet')
    return 0
  }
  if (!known.some((one) => one.name === name)) {
    console.error(
      `Cannot run the benchmark "${name}": there is ${known.map((one) => one.name).join(', ') || 'none yet'}`,
    )
    return 2
  }
  const folder = join(benchmarks, name)
  if (needsInstall(folder) && !install(folder)) {
    console.error(`Cannot run the benchmark "${name}": its peers could not be installed`)
    return 1
  }
  const result = runBenchmark(benchmarkFile(benchmarks, name))
  if (!result) {
    console.error(`The benchmark "${name}" ended without a result`)
    return 1
  }
  const report: BenchmarkReport = { name, machine: thisMachine(), ...result }
  console.log(values.json ? JSON.stringify(report) : renderReport(report))
  return 0
}

function install(folder: string): boolean {
  const options = ['--no-audit', '--no-fund', '--loglevel=error', '--no-workspaces']
  // Standard output is for the result alone.
  const { status } = spawnSync('npm', ['install', ...options], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  return status === 0
}

/**
 * Runs `run()` of a `.bench.ts` in a child of its own, so that garbage can be collected between rounds and nothing of this runner is
 * measured. Undefined when it threw; what it printed is then on standard error.
 */
export function runBenchmark(file: string): BenchmarkResult | undefined {
  const script = `import { run } from ${JSON.stringify(pathToFileURL(file).href)}
    process.stdout.write('\\n${resultPrefix}' + JSON.stringify(await run()) + '\\n', () => process.exit())`
  const child = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '--eval', script], {
    cwd: dirname(file),
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const line = child.stdout.split('\n').findLast((one) => one.startsWith(resultPrefix))
  if (child.status !== 0 || line === undefined) {
    process.stderr.write(child.stdout)
    return undefined
  }
  // Our own child's line, made from what its typed `run()` resolved with.
  return JSON.parse(line.slice(resultPrefix.length)) as BenchmarkResult
}

function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  }
}

function benchmarkFile(folder: string, name: string): string {
  return join(folder, name, `${basename(name)}.bench.ts`)
}

function describe(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { description?: string }).description ?? ''
}

function hasDependencies(manifest: string): boolean {
  return (
    Object.keys((JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: object }).dependencies ?? {}).length > 0
  )
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, at) => Math.max(cell.length, all[at] ?? 0)), [])
  const isFigure = (cell: string) => /^-?[\d.]+$/.test(cell)
  return rows.map((row) =>
    row
      .map((cell, at) => (isFigure(cell) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** Three significant digits are all that a noisy machine has to say. */
function figure(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3)
}

if (import.meta.main) process.exitCode = bench(process.argv.slice(2), join(dirname(import.meta.dirname), 'benchmarks'))
