/**
 * `npm run soak -- <name> [--kills 1000] [--seed 1]`: kills parts of a running system at random moments, many times, and proves afterwards that
 * nothing it promised was broken. Prints a table, and fails when there was a violation.
 */
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { SoakReport } from './soak/soak-report.ts'

const soaks: Readonly<Record<string, () => Promise<(kills: number, seed: number) => Promise<SoakReport>>>> = {
  events: async () => (await import('./soak/events.ts')).soakEvents,
}

async function main(): Promise<void> {
  const options = { kills: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } } as const
  const { positionals, values } = parseArgs({ allowPositionals: true, options })
  const load = soaks[positionals[0] ?? '']
  const [kills, seed] = [Number(values.kills), Number(values.seed)]
  if (!load || !Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
    process.stderr.write(`npm run soak -- <${Object.keys(soaks).join('|')}> [--kills 1000] [--seed 1]\n`)
    process.exitCode = 2
    return
  }
  const soak = await load()
  const startedAt = Date.now()
  const { rows, violations } = await soak(kills, seed)
  for (const { what, count } of rows) process.stdout.write(`| ${what} | ${count.toLocaleString('en')} |\n`)
  process.stdout.write(`| seconds | ${Math.round((Date.now() - startedAt) / 1_000)} |\n`)
  for (const violation of violations.slice(0, 50)) process.stderr.write(`${violation}\n`)
  if (violations.length > 0) process.exitCode = 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
