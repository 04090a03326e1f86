import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readTree } from '../check-structure.ts'
import { importCycles } from '../import-cycles.ts'
import { type Manifest, type Tree, violationsOf } from '../structure.ts'

const manifests: readonly Manifest[] = [
  manifest('', 'repository', { devDependencies: ['vitest'] }),
  manifest('packages/kernel', '@keelson/kernel'),
  manifest('packages/telemetry', '@keelson/telemetry', { dependencies: ['@keelson/kernel'], exports: ['.'] }),
  manifest('packages/services', '@keelson/services', { dependencies: ['@keelson/kernel', 'find-my-way'] }),
  manifest('packages/events', '@keelson/events', { dependencies: ['@keelson/kernel'] }),
  manifest('packages/console', '@keelson/console', { dependencies: ['@keelson/services'] }),
  manifest('packages/cli', 'keelson', { dependencies: ['@keelson/services'] }),
  manifest('adapters/pglite', '@keelson/pglite', { dependencies: ['@keelson/kernel', '@electric-sql/pglite'] }),
  manifest('adapters/redis', '@keelson/redis', { dependencies: ['@keelson/kernel', 'ioredis'] }),
  manifest('apps/shop', 'shop', {
    dependencies: ['@keelson/kernel', '@keelson/services', '@keelson/pglite', 'zod'],
    devDependencies: ['react', 'vite'],
  }),
  manifest('benchmarks/facade', 'benchmark-facade', { dependencies: ['moleculer'] }),
]

const goodTree: Readonly<Record<string, string>> = {
  'packages/kernel/src/index.ts': `export { now } from './clock.ts'`,
  'packages/kernel/src/clock.ts': `import type { Json } from './json.ts'\nimport { performance } from 'node:perf_hooks'\nexport const now = 1`,
  'packages/kernel/src/json.ts': `export type Json = typeof Date.now`,
  'packages/services/src/index.ts': `export { call } from './call.ts'`,
  'packages/services/src/call.ts': `import { now } from '@keelson/kernel'\nimport router from 'find-my-way'\nexport const call = [now, router]`,
  'packages/services/src/testing.ts': `export { conformance } from '@keelson/kernel/testing'`,
  'adapters/pglite/src/index.ts': `import { PGlite } from '@electric-sql/pglite'\nimport { now } from '@keelson/kernel'\nexport const made = [PGlite, now]`,
  'apps/shop/keelson.config.ts': `import { pglite } from '@keelson/pglite'\nimport { orders } from './services/orders/src/service.ts'\nexport default [pglite, orders]`,
  'apps/shop/services/orders/src/contract.ts': `import * as z from 'zod'\nexport const Orders = z`,
  'apps/shop/services/orders/src/service.ts': `import { Orders } from './contract.ts'\nimport { Stock } from '../../stock/src/contract.ts'\nexport const orders = [Orders, Stock]`,
  'apps/shop/services/stock/src/contract.ts': `export const Stock = 1`,
  'apps/shop/services/stock/test/stock.test.ts': `import { test } from 'vitest'\nimport { pglite } from '@keelson/pglite'\nimport { seed } from '../../../test/seed.ts'\ntest(seed, pglite)`,
  'apps/shop/test/seed.ts': `export const seed = 's'`,
  'apps/shop/web/src/main.tsx': `import { createElement } from 'react'\nimport './main.css'\nimport mark from '../mark.svg?url'\nimport { Orders } from '../../services/orders/src/contract.ts'\nexport const page = <p>{[createElement, mark, Orders]}</p>`,
  'apps/shop/web/vite.config.ts': `import { defineConfig } from 'vite'\nexport default defineConfig({})`,
  'benchmarks/facade/facade.bench.ts': `import { ServiceBroker } from 'moleculer'\nimport { now } from '@keelson/kernel'\nimport { measure } from '../../tools/measure.ts'\nexport const run = [ServiceBroker, now, measure]`,
  'examples/hello/hello.ts': `import { call } from '@keelson/services'\nconsole.log(call)`,
}

/** Each plants one file in the good tree; nothing but its rule may speak. */
const planted: readonly { behaviour: string; path: string; text: string; rule: string; says: string }[] = [
  plant(
    'an import from a room above',
    'packages/services/src/listener/a.ts',
    `import type { B } from '../facade/b.ts'`,
    'wall',
    '"listener" imports only from rooms below it',
  ),
  plant(
    'an import from the room beside',
    'packages/services/src/rest/a.ts',
    `import { b } from '../registry/b.ts'`,
    'wall',
    '"registry" is none',
  ),
  plant(
    'a room without a place',
    'packages/services/src/cellar/a.ts',
    `import { b } from '../facade/b.ts'`,
    'wall',
    '"cellar" has no place',
  ),
  plant(
    'an import from a higher rung',
    'packages/kernel/src/a.ts',
    `import { call } from '@keelson/services'`,
    'ladder',
    'rung 0',
  ),
  plant(
    'an import from a neighbour',
    'packages/events/src/a.ts',
    `import { call } from '@keelson/services'`,
    'ladder',
    'rung 2',
  ),
  plant(
    'a type import from a neighbour',
    'packages/events/src/a.ts',
    `import type { A } from '@keelson/services'`,
    'ladder',
    'rung 2',
  ),
  plant(
    'an import() type from a neighbour',
    'packages/events/src/a.ts',
    `export type A = import('@keelson/services').A`,
    'ladder',
    'rung 2',
  ),
  plant(
    'a dynamic import from a neighbour',
    'packages/events/src/a.ts',
    `await import('@keelson/services')`,
    'ladder',
    'rung 2',
  ),
  plant(
    'a re-export from a neighbour',
    'packages/events/src/a.ts',
    `export { call } from '@keelson/services'`,
    'ladder',
    'rung 2',
  ),
  plant(
    'a package that imports an adapter',
    'packages/console/src/a.ts',
    `import '@keelson/pglite'`,
    'ladder',
    'never imports an adapter',
  ),
  plant(
    'an adapter that imports an adapter',
    'adapters/redis/src/a.ts',
    `import '@keelson/pglite'`,
    'ladder',
    'never import each other',
  ),
  plant(
    'an adapter that imports rung 4',
    'adapters/redis/src/a.ts',
    `import '@keelson/console'`,
    'ladder',
    'rungs 0 to 3',
  ),
  plant(
    'an import of the command line',
    'apps/shop/services/stock/src/a.ts',
    `import 'keelson'`,
    'ladder',
    'command line',
  ),
  plant('an import of an app', 'examples/hello/a.ts', `import 'shop'`, 'ladder', 'nothing imports an app'),
  plant(
    'a package that imports itself by name',
    'packages/kernel/src/a.ts',
    `import '@keelson/kernel'`,
    'ladder',
    'relative',
  ),
  plant(
    'a service that imports an adapter',
    'apps/shop/services/stock/src/a.ts',
    `import '@keelson/pglite'`,
    'composition',
    'keelson.config.ts',
  ),
  plant(
    'a service inside another service',
    'apps/shop/services/stock/src/a.ts',
    `import type { orders } from '../../orders/src/service.ts'`,
    'contract',
    'contract.ts',
  ),
  plant(
    'a page inside a service',
    'apps/shop/web/src/a.tsx',
    `import { orders } from '../../services/orders/src/service.ts'`,
    'contract',
    'contract.ts',
  ),
  plant(
    'a test inside another service',
    'apps/shop/services/stock/test/a.test.ts',
    `import { orders } from '../../orders/src/service.ts'`,
    'contract',
    'contract.ts',
  ),
  plant(
    'a service that imports the composition',
    'apps/shop/services/stock/src/a.ts',
    `import system from '../../../keelson.config.ts'`,
    'contract',
    'contract.ts',
  ),
  plant(
    'a file of another package by path',
    'packages/services/src/a.ts',
    `import '../../kernel/src/clock.ts'`,
    'entry-point',
    'by its name',
  ),
  plant(
    'a file of another package by name',
    'packages/services/src/a.ts',
    `import '@keelson/kernel/src/clock.ts'`,
    'entry-point',
    'public',
  ),
  plant(
    'an entry point that is not exported',
    'examples/hello/a.ts',
    `import '@keelson/telemetry/testing'`,
    'entry-point',
    './testing',
  ),
  plant(
    'a tool that is not for benchmarks',
    'benchmarks/facade/a.ts',
    `import '../../tools/check.ts'`,
    'entry-point',
    'leaves',
  ),
  plant(
    'an unknown package of ours',
    'packages/services/src/a.ts',
    `import '@keelson/karnel'`,
    'unknown-package',
    'karnel',
  ),
  plant(
    'a dependency that is not listed',
    'packages/services/src/a.ts',
    `import 'zod'`,
    'unlisted',
    'does not list zod',
  ),
  plant(
    'a type of a dependency that is not listed',
    'packages/services/src/a.ts',
    `import type { Z } from 'zod/v4'`,
    'unlisted',
    'zod',
  ),
  plant(
    'a service run by a development dependency',
    'apps/shop/services/stock/src/a.ts',
    `import 'react'`,
    'unlisted',
    'react',
  ),
  plant('a test tool in a service', 'apps/shop/services/stock/src/a.ts', `import 'vitest'`, 'unlisted', 'vitest'),
  plant('a peer that a benchmark does not list', 'benchmarks/facade/a.ts', `import 'awilix'`, 'unlisted', 'awilix'),
  plant('a relative import without extension', 'packages/kernel/src/a.ts', `import './clock'`, 'extension', '.ts'),
  plant(
    'a relative import of .js',
    'packages/kernel/src/a.ts',
    `import type { now } from './clock.js'`,
    'extension',
    '.ts',
  ),
  plant('a star export', 'packages/kernel/src/a.ts', `export * from './clock.ts'`, 'export-star', 'list'),
  plant(
    'a star export under a name',
    'packages/kernel/src/a.ts',
    `\nexport * as clock from './clock.ts'`,
    'export-star',
    'list',
  ),
  plant(
    'an index file inside a package',
    'packages/kernel/src/schema/index.ts',
    `export const a = 1`,
    'index-file',
    'index',
  ),
  plant(
    'an index file in an app',
    'apps/shop/services/stock/src/index.ts',
    `export const a = 1`,
    'index-file',
    'index',
  ),
  plant('text that is not TypeScript', 'packages/kernel/src/a.ts', `export const =`, 'syntax', ''),
]

describe('violationsOf()', () => {
  test('accepts a good tree', () => {
    expect(violationsOf(treeOf(goodTree))).toEqual([])
  })

  for (const { behaviour, path, text, rule, says } of planted) {
    test(`catches ${behaviour}`, () => {
      const violations = violationsOf(treeOf({ ...goodTree, [path]: text }))
      // A package that may not be imported at all is as a rule not listed either; that is said as well.
      const spoken = violations.filter((one) => one.rule === rule || one.rule !== 'unlisted')
      expect(spoken.map((one) => [one.path, one.rule])).toEqual([[path, rule]])
      expect(spoken[0]?.message).toContain(says)
    })
  }

  test('says the line of an import', () => {
    const text = `// one\nimport './clock.ts'\n\nimport './json'\n`
    const violations = violationsOf(treeOf({ ...goodTree, 'packages/kernel/src/a.ts': text }))
    expect(violations.map((one) => [one.rule, one.line])).toEqual([['extension', 4]])
  })

  test('catches a cycle of run-time imports and names its files', () => {
    const cycle = {
      'packages/kernel/src/a.ts': `import { b } from './b.ts'\nexport const a = b`,
      'packages/kernel/src/b.ts': `export { c as b } from './c.ts'`,
      'packages/kernel/src/c.ts': `import { type A } from './a.ts'\nexport const c = 1 as A`,
    }
    const violations = violationsOf(treeOf({ ...goodTree, ...cycle }))
    expect(violations.map((one) => one.rule)).toEqual(['cycle'])
    expect(violations[0]?.message).toBe(
      'packages/kernel/src/a.ts -> packages/kernel/src/b.ts -> packages/kernel/src/c.ts -> packages/kernel/src/a.ts',
    )
  })

  test('catches a cycle of which half are type imports', () => {
    const cycle = {
      'packages/kernel/src/a.ts': `import type { B } from './b.ts'\nexport const a = 1 as B`,
      'packages/kernel/src/b.ts': `import { a } from './a.ts'\nexport type B = typeof a`,
    }
    const violations = violationsOf(treeOf({ ...goodTree, ...cycle }))
    expect(violations.map((one) => one.message)).toEqual([
      'packages/kernel/src/a.ts -> packages/kernel/src/b.ts -> packages/kernel/src/a.ts',
    ])
  })

  test('catches what a package.json may not depend on', () => {
    const ladder = violationsOf({
      files: [],
      manifests: [
        ...manifests,
        manifest('packages/ml', '@keelson/ml', {
          dependencies: ['@keelson/pglite', '@keelson/console', '@keelson/nothing'],
        }),
        manifest('packages/mystery', '@keelson/mystery'),
        manifest('adapters/qdrant', '@keelson/qdrant', { dependencies: ['@keelson/redis'], devDependencies: ['shop'] }),
      ],
    })
    expect(ladder.map(({ path, rule }) => [path, rule])).toEqual([
      ['adapters/qdrant/package.json', 'ladder'],
      ['adapters/qdrant/package.json', 'ladder'],
      ['packages/ml/package.json', 'ladder'],
      ['packages/ml/package.json', 'ladder'],
      ['packages/ml/package.json', 'unknown-package'],
      ['packages/mystery/package.json', 'ladder'],
    ])
  })
})

describe('importCycles()', () => {
  test('finds one cycle in each knot, and none in a diamond', () => {
    const edges = { a: ['b', 'c'], b: ['d'], c: ['d'], d: [], e: ['f'], f: ['e', 'g'], g: ['e'], h: ['h'] }
    expect(importCycles(new Map(Object.entries(edges)))).toEqual([['e', 'f'], ['h']])
  })
})

describe('readTree()', () => {
  test('sees the sources and packages of this repository', () => {
    const tree = readTree(dirname(dirname(import.meta.dirname)))
    expect(tree.files.map((file) => file.path)).toContain('packages/kernel/src/index.ts')
    expect(tree.files.filter((file) => /node_modules|dist\//.test(file.path))).toEqual([])
    const kernel = tree.manifests.find((one) => one.name === '@keelson/kernel')
    expect(kernel).toMatchObject({ folder: 'packages/kernel', exports: ['.', './testing'] })
  })

  test('refuses a folder in which it finds nothing', () => {
    expect(() => readTree(import.meta.dirname)).toThrow('Only 0 source files')
  })
})

function manifest(folder: string, name: string, given: Partial<Manifest> = {}): Manifest {
  return { folder, name, dependencies: [], devDependencies: [], exports: ['.', './testing'], ...given }
}

function treeOf(files: Readonly<Record<string, string>>): Tree {
  return { manifests, files: Object.entries(files).map(([path, text]) => ({ path, text })) }
}

function plant(behaviour: string, path: string, text: string, rule: string, says: string) {
  return { behaviour, path, text, rule, says }
}
