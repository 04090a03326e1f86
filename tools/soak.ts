/**
 * `npm run soak -- <name> [--count N] [--seed 1]`: does things to a running system at random, very often, and proves that nothing it
 * promised was broken. Prints a table, and fails when there was a violation.
 */
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { SoakReport } from './soak/soak-report.ts'

interface Soak {
  /** How many there are unless said otherwise: kills of `events`, steps of `calls`. */
  readonly count: number
  readonly load: () => Promise<(count: number, seed: number) => Promise<SoakReport>>
}

const soaks: Readonly<Record<string, Soak>> = {
  calls: { count: 1_000_000, load: async () => (await import('./soak/calls.ts')).soakCalls },
  events: { count: 1_000, load: async () => (await import('./soak/events.ts')).soakEvents },
}

async function main(): Promise<void> {
  const options = { count: { type: 'string' }, seed: { type: 'string', default: '1' } } as const
  const { positionals, values } = parseArgs({ allowPositionals: true, options })
  const soak = soaks[positionals[0] ?? '']
  const [count, seed] = [Number(values.count ?? soak?.count), Number(values.seed)]
  if (!soak || !Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    process.stderr.write(`npm run soak -- <${Object.keys(soaks).join('|')}> [--count N] [--seed 1]\n`)
    process.exitCode = 2
    return
  }
  const run = await soak.load()
  const startedAt = Date.now()
  const { rows, violations } = await run(count, seed)
  for (const { what, count } of rows) process.stdout.write(`| ${what} | ${count.toLocaleString('en')} |\n`)
  process.stdout.write(`| seconds | ${Math.round((Date.now() - startedAt) / 1_000)} |\n`)
  for (const violation of violations.slice(0, 50)) process.stderr.write(`${violation}\n`)
  if (violations.length > 0) process.exitCode = 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
