import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pack, publishedManifest } from '../pack.ts'

const root = dirname(dirname(import.meta.dirname))

describe('publishedManifest()', () => {
  test('points at what is built and leaves out what only the repository needs', () => {
    const manifest = {
      name: 'keelson',
      version: '1.2.3',
      private: true,
      license: 'Apache-2.0',
      exports: { '.': './src/index.ts', './testing': './src/testing.ts' },
      bin: { keelson: './src/keelson.ts' },
      dependencies: { zod: '4.0.0' },
      devDependencies: { '@types/node': '24.0.0' },
    }
    expect(publishedManifest(manifest)).toEqual({
      name: 'keelson',
      version: '1.2.3',
      license: 'Apache-2.0',
      exports: {
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './testing': { types: './dist/testing.d.ts', default: './dist/testing.js' },
      },
      bin: { keelson: './dist/keelson.js' },
      dependencies: { zod: '4.0.0' },
      files: ['dist'],
    })
  })
})

describe('pack()', () => {
  const names = ['@keelson/kernel', '@keelson/resilience', '@keelson/telemetry', '@keelson/services']
  let consumer: string
  let tarballs: string[]

  beforeAll(async () => {
    consumer = mkdtempSync(join(tmpdir(), 'keelson-consumer-'))
    const options = [join(root, 'tools/pack.ts'), '--out', join(consumer, 'tarballs')]
    // As a process of its own: a build that blocks this thread for long is taken by Vitest for one that hangs.
    const { stdout } = await promisify(execFile)(process.execPath, [...options, ...names])
    tarballs = stdout.trim().split('\n')
    installOffline(consumer, names, tarballs)
  })

  afterAll(() => rmSync(consumer, { recursive: true }))

  test('makes one tarball per package, with licence and without sources', () => {
    expect(tarballs).toHaveLength(names.length)
    const listing = run('tar', ['-tzf', tarballs[0] ?? ''], consumer).split('\n')
    expect(listing).toContain('package/LICENSE')
    expect(listing).toContain('package/dist/index.js')
    expect(listing).toContain('package/dist/index.d.ts')
    expect(listing.filter((path) => /\/src\/|(?<!\.d)\.ts$|tsbuildinfo/.test(path))).toEqual([])
    const manifest = readFileSync(join(consumer, 'node_modules/@keelson/kernel/package.json'), 'utf8')
    expect(JSON.parse(manifest)).not.toHaveProperty('private')
  })

  test('makes packages that plain Node imports, without type stripping', () => {
    writeFileSync(
      join(consumer, 'main.mjs'),
      `${names.map((name, at) => `import * as p${at} from '${name}'`).join('\n')}
       import { databaseConformance } from '@keelson/kernel/testing'
       console.log(typeof p0.defineContract, typeof p3.defineService, Object.keys(p2).length > 0, Array.isArray(databaseConformance))`,
    )
    const printed = run(process.execPath, ['--no-experimental-strip-types', 'main.mjs'], consumer)
    expect(printed).toBe('function function true true\n')
  })

  test('makes packages whose types a consumer can compile against', () => {
    writeFileSync(
      join(consumer, 'main.ts'),
      `import { defineContract, type Contract } from '@keelson/kernel'
       import { defineService } from '@keelson/services'
       const contract: Contract<'empty'> = defineContract('empty', '1.0.0', {})
       // @ts-expect-error a version is text
       defineContract('empty', 1, {})
       console.log(contract, defineService)`,
    )
    const options = {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      noEmit: true,
    }
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['main.ts'] }))
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], consumer)
  })

  test('refuses a name that is no package', () => {
    expect(() => pack(root, consumer, ['@keelson/nothing'])).toThrow('Cannot pack "@keelson/nothing"')
  })
})

/** What `npm install <tarballs>` would leave, with third parties taken from this repository instead of the network. */
function installOffline(folder: string, names: readonly string[], tarballs: readonly string[]): void {
  const modules = join(folder, 'node_modules')
  const link = (name: string): void => {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction')
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }))
  link('@types/node')
  link('undici-types')
  const linked = new Set<string>()
  for (const [at, name] of names.entries()) {
    const target = join(modules, name)
    mkdirSync(target, { recursive: true })
    run('tar', ['-xzf', tarballs[at] ?? '', '--strip-components=1', '-C', target], folder)
    const { dependencies = {} } = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'))
    for (const dependency of Object.keys(dependencies)) {
      if (names.includes(dependency) || linked.has(dependency)) continue
      linked.add(dependency)
      link(dependency)
    }
  }
}

function run(command: string, parameters: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, [...parameters], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ended with ${status}:\n${stdout}${stderr}`)
  return stdout
}
