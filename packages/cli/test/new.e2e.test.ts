/** Projects that `keelson new` writes, run as their owners would; the packages are this repository's. */
import { spawnSync } from 'node:child_process'
import {
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
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = dirname(dirname(dirname(import.meta.dirname)))
const command = join(root, 'packages/cli/src/keelson.ts')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-new-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function node(cwd: string, ...parameters: string[]) {
  const env = { ...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined }
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { cwd, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}
const keelson = (cwd: string, ...parameters: string[]) => node(cwd, command, ...parameters)

function newProject(name: string): string {
  expect(keelson(folder, 'new', name)).toMatchObject({ status: 0, stderr: '' })
  const project = join(folder, name)
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'), 'junction')
  return project
}

describe('keelson new', () => {
  it('writes a project whose test passes and whose services answer', () => {
    const project = newProject('shop')
    expect(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))).toMatchObject({ name: 'shop' })
    expect(readFileSync(join(project, '.gitignore'), 'utf8')).toContain('.keelson/')
    expect(node(project, '--test', 'test/*.test.ts')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/pass 1\n/),
    })
    const { status, stdout } = keelson(project, 'call', 'visits.record', '--input', '{"name":"Ada"}', '--json')
    expect([status, JSON.parse(stdout)]).toEqual([0, { name: 'Ada', times: 1, greeting: 'Hello, Ada' }])
  })

  it('writes into an empty folder, and refuses any other and leaves it as it is', () => {
    mkdirSync(join(folder, 'empty'))
    newProject('empty')
    mkdirSync(join(folder, 'taken'))
    writeFileSync(join(folder, 'taken/mine.txt'), 'mine')
    expect(keelson(folder, 'new', 'taken')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('(PROJECT_FOLDER_TAKEN)'),
    })
    expect(readdirSync(join(folder, 'taken'))).toEqual(['mine.txt'])
    expect(readdirSync(folder).sort()).toEqual(['empty', 'taken'])
  })

  it.each(['Shop', '../shop', '.', 'my_shop', '1st', 'a--b', 'shop-'])('refuses the name %j', (name) => {
    expect(keelson(folder, 'new', name)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`"${name}": a name is lower-case words joined by hyphens (PROJECT_NAME_INVALID)`),
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('names the exact versions of the packages it was published with', () => {
    const manifests = globSync('{packages,adapters}/*/package.json', { cwd: root })
      .map((path) => JSON.parse(readFileSync(join(root, path), 'utf8')))
      .map(({ name, version }): [string, string] => [name, version])
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const known: Record<string, string> = { ...Object.fromEntries(manifests), ...devDependencies }
    const template = JSON.parse(readFileSync(join(root, 'packages/cli/templates/system/package.json'), 'utf8'))
    for (const [name, version] of Object.entries({ ...template.dependencies, ...template.devDependencies }))
      expect([name, version]).toEqual([name, known[name]])
  })
})

describe('keelson new service', () => {
  it('adds a service that answers, from any folder of the project', () => {
    const project = newProject('shop')
    const { status, stdout } = keelson(join(project, 'page'), 'new', 'service', 'stock-list', '--json')
    expect([status, JSON.parse(stdout)]).toEqual([
      0,
      {
        files: [
          'services/stock-list/contract.ts',
          'services/stock-list/service.ts',
          'test/stock-list.test.ts',
          'keelson.config.ts',
        ],
      },
    ])
    expect(readFileSync(join(project, 'keelson.config.ts'), 'utf8')).toContain(
      'services: [greetings, visits, page, stockList] })',
    )
    expect(JSON.parse(keelson(project, 'call', 'stock-list.describe').stdout)).toEqual({ text: 'stock-list answers' })
    expect(node(project, '--test', 'test/*.test.ts')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/pass 2\n/),
    })
  })

  it('keeps a list on several lines on several lines', () => {
    const project = newProject('shop')
    const config = join(project, 'keelson.config.ts')
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace(
        /services: .*/,
        'services: [\n    greetings,\n    visits,\n    page,\n  ],\n})',
      ),
    )
    keelson(project, 'new', 'service', 'tides')
    expect(readFileSync(config, 'utf8')).toContain('    page,\n    tides,\n  ],\n})')
  })

  it.each([
    ['visits', 'PROJECT_SERVICE_TAKEN'],
    ['delete', 'PROJECT_NAME_INVALID'],
    ['listener', 'PROJECT_NAME_INVALID'],
    ['Tides', 'PROJECT_NAME_INVALID'],
  ])('refuses the name %j with %s and writes nothing', (name, code) => {
    const project = newProject('shop')
    const before = readFileSync(join(project, 'keelson.config.ts'), 'utf8')
    expect(keelson(project, 'new', 'service', name)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`(${code})`),
    })
    expect(readFileSync(join(project, 'keelson.config.ts'), 'utf8')).toBe(before)
    expect(readdirSync(join(project, 'services')).sort()).toEqual(['greetings', 'visits'])
  })

  it('says which line to add when it cannot find the place, and when there is no project', () => {
    const project = newProject('shop')
    writeFileSync(join(project, 'keelson.config.ts'), "export { default } from './system.ts'\n")
    const { status, stderr } = keelson(project, 'new', 'service', 'tides')
    expect(status).toBe(2)
    expect(stderr).toContain("Add import { tides } from './services/tides/service.ts' and tides by hand")
    expect(existsSync(join(project, 'services/tides'))).toBe(false)
    expect(keelson(folder, 'new', 'service', 'tides')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('(SYSTEM_NOT_FOUND)'),
    })
  })
})
