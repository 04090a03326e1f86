import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bench, listBenchmarks, needsInstall, renderReport } from '../bench.ts'

let folder: string
let printed: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-bench-'))
  printed = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void printed.push(line))
})

afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

describe('bench()', () => {
  test('lists the benchmarks that have code when none is named', () => {
    benchmark('maps', `export const run = async () => ({ rows: [], targets: [] })`)
    mkdirSync(join(folder, 'later'))
    writeFileSync(join(folder, 'later', 'package.json'), '{}')
    expect(listBenchmarks(folder)).toEqual([{ name: 'maps', description: 'Are maps fast?' }])
    expect(bench([], folder)).toBe(0)
    expect(printed).toEqual(['maps             Are maps fast?'])
  })

  test('runs one in a Node that can collect garbage, and prints one line of JSON', () => {
    benchmark(
      'maps',
      `console.log('noise')
       export async function run(): Promise<object> {
         const rows = [{ subject: 'Map', metric: 'gc', value: typeof globalThis.gc === 'function' ? 1 : 0, unit: '' }]
         return { rows, targets: [{ name: 'get', value: 1.5, bound: 2, unit: 'ns', reached: true }] }
       }`,
    )
    expect(bench(['maps', '--json'], folder)).toBe(0)
    expect(printed).toHaveLength(1)
    expect(JSON.parse(printed[0] ?? '')).toEqual({
      name: 'maps',
      machine: {
        cpu: expect.any(String),
        cores: expect.any(Number),
        memoryBytes: expect.any(Number),
        node: process.versions.node,
        platform: `${process.platform} ${process.arch}`,
      },
      rows: [{ subject: 'Map', metric: 'gc', value: 1, unit: '' }],
      targets: [{ name: 'get', value: 1.5, bound: 2, unit: 'ns', reached: true }],
    })
  })

  test('ends with 2 for an unknown name and says which there are', () => {
    benchmark('maps', `export const run = async () => ({ rows: [], targets: [] })`)
    expect(bench(['mops'], folder)).toBe(2)
    expect(printed).toEqual(['Cannot run the benchmark "mops": there is maps'])
  })

  test('ends with 1 when the benchmark throws', () => {
    benchmark('maps', `export const run = async () => { process.exit(3) }`)
    expect(bench(['maps'], folder)).toBe(1)
    expect(printed).toEqual(['The benchmark "maps" ended without a result'])
  })
})

describe('needsInstall()', () => {
  test('is true until the peers of this package.json have been installed', () => {
    const own = join(folder, 'maps')
    benchmark('maps', '')
    expect(needsInstall(own)).toBe(false)
    writeFileSync(join(own, 'package.json'), JSON.stringify({ dependencies: { awilix: '1.0.0' } }))
    expect(needsInstall(own)).toBe(true)
    mkdirSync(join(own, 'node_modules'))
    writeFileSync(join(own, 'node_modules', '.package-lock.json'), '{}')
    expect(needsInstall(own)).toBe(false)
    const later = Date.now() / 1000 + 60
    utimesSync(join(own, 'package.json'), later, later)
    expect(needsInstall(own)).toBe(true)
  })
})

describe('renderReport()', () => {
  test('aligns figures with three significant digits and says which target was missed', () => {
    const machine = { cpu: 'Some CPU', cores: 2, memoryBytes: 8 * 2 ** 30, node: '24.0.0', platform: 'linux x64' }
    const rows = [
      { subject: 'direct', metric: 'call', value: 12.3456, unit: 'ns' },
      { subject: 'facade', metric: 'call', value: 1234.5, unit: 'ns' },
    ]
    const targets = [{ name: 'at most twice direct', value: 100, bound: 2, unit: 'x', reached: false }]
    expect(renderReport({ name: 'facade', machine, rows, targets }).split('\n')).toEqual([
      'facade: Some CPU, 2 cores, 8 GiB, Node 24.0.0, linux x64',
      '',
      'direct  call  12.3  ns',
      'facade  call  1235  ns',
      '',
      'MISSED  at most twice direct  100  bound 2  x',
    ])
  })
})

function benchmark(name: string, code: string): void {
  mkdirSync(join(folder, name))
  writeFileSync(join(folder, name, 'package.json'), JSON.stringify({ type: 'module', description: 'Are maps fast?' }))
  writeFileSync(join(folder, name, `${name}.bench.ts`), code)
}
