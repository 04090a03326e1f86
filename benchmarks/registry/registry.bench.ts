/** What resolving a facade costs, by contract and by name, among 100 services, beside awilix and a plain Map. */
import { defineContract, query } from '@keelson/kernel'
import { defineService, Registry } from '@keelson/services'
import { asValue, createContainer } from 'awilix'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { measure } from '../../tools/measure.ts'

export async function run(): Promise<BenchmarkResult> {
  const contracts = Array.from({ length: 100 }, (_, at) =>
    defineContract(`service-${at}`, '1.0.0', { ping: query({}) }),
  )
  const first = defineContract('first', '1.0.0', { ping: query({}) })
  const registry = new Registry()
  const map = new Map<string, unknown>()
  const container = createContainer()
  for (const contract of contracts) {
    registry.register(defineService(contract, { start: () => ({ ping: () => {} }) }))
    map.set(contract.name, registry.resolve(contract))
    container.register(contract.name, asValue(registry.resolve(contract)))
  }
  const names = contracts.map(({ name }) => name)
  const measured = await measure([
    subject('Map.get', (at) => map.get(names[at] ?? '')),
    subject('Keelson, by contract', (at) => registry.resolve(contracts[at] ?? first)),
    subject('Keelson, by name', (at) => registry.resolve(names[at] ?? '')),
    subject('awilix', (at) => container.resolve(names[at] ?? '')),
  ])
  const slowest = Math.max(measured[1]?.nsPerOperation ?? Number.NaN, measured[2]?.nsPerOperation ?? Number.NaN)
  return {
    rows: measured.map(({ subject, nsPerOperation }) => ({
      subject,
      metric: 'wall time per resolve',
      value: nsPerOperation,
      unit: 'ns',
    })),
    targets: [{ name: 'resolve, below', value: slowest, bound: 50, unit: 'ns', reached: slowest < 50 }],
  }
}

function subject(name: string, resolve: (at: number) => unknown) {
  return {
    name,
    run: (operations: number) => {
      let seen = 0
      for (let i = 0; i < operations; i++) if (resolve(i % 100) !== undefined) seen++
      if (seen !== operations) throw new Error(`${name} resolved ${seen} of ${operations}`)
    },
  }
}
