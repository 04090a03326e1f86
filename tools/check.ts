/**
 * `npm run check`: everything that can be known without running the tests. As many steps run at a time as there are cores, the slow ones
 * first; each prints one line when it ends and, when it failed, its output. All run even when one fails: one look shows everything.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'

interface Step {
  readonly name: string
  /** A script of this repository or of node_modules, and its parameters; run by this same Node. */
  readonly command: readonly [script: string, ...parameters: string[]]
}

const root = dirname(import.meta.dirname)
const tsc = 'node_modules/typescript/bin/tsc'

const steps: readonly Step[] = [
  { name: 'types', command: [tsc, '-p', '.'] },
  ...globSync('{apps/*,packages/*}/web/tsconfig.json', { cwd: root }).map(
    (project): Step => ({ name: `types of ${dirname(project)}`, command: [tsc, '--noEmit', '-p', project] }),
  ),
  { name: 'unused code', command: ['node_modules/knip/bin/knip.js', '--no-config-hints', '--no-progress'] },
  { name: 'promises', command: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  {
    name: 'format and lint',
    command: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--max-diagnostics=100', '.'],
  },
  { name: 'structure', command: ['tools/check-structure.ts'] },
  { name: 'examples in the docs', command: ['tools/docs-examples.ts'] },
  { name: 'API reference', command: ['tools/api-reference.ts', '--check'] },
  { name: 'error reference', command: ['tools/errors-reference.ts', '--check'] },
]

/** Resolves with whether the step succeeded, once its line has been printed. */
function run({ name, command }: Step): Promise<boolean> {
  const started = performance.now()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const child = spawn(process.execPath, [...command], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => output.push(bytes))
  const end = (isGood: boolean): void => {
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${isGood ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
    if (!isGood) console.log(`${Buffer.concat(output).toString().trimEnd()}\n`)
    resolve(isGood)
  }
  child.on('error', (error) => {
    output.push(Buffer.from(error.message))
    end(false)
  })
  child.on('close', (code) => end(code === 0))
  return promise
}

const waiting = [...steps]
const failed: string[] = []

async function work(): Promise<void> {
  for (let step = waiting.shift(); step; step = waiting.shift()) {
    if (!(await run(step))) failed.push(step.name)
  }
}

await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work))
console.log(failed.length === 0 ? `${steps.length} steps, all ok` : `Failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
