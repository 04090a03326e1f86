/** `keelson contract` as a pipeline uses it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-contract-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function keelson(...parameters: string[]) {
  const command = join(here, '../../src/keelson.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'contract', ...parameters], {
    cwd: join(here, '../fixture'),
    env: { ...process.env, NO_COLOR: '1' },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

describe('keelson contract', () => {
  it('exports what it then finds unchanged', () => {
    const { status, stdout } = keelson('export')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'keelson-contracts/1',
      contracts: [{ name: 'words', operations: { repeat: { kind: 'query', surfaces: { http: 'GET /v1/words' } } } }],
    })
    expect(keelson('check', write('same.json', stdout))).toEqual({
      status: 0,
      stdout: '0 breaking, 0 announced by a major version, 0 safe\n',
      stderr: '',
    })
  })

  it('fails on what breaks callers, and says where and why', () => {
    const previous = JSON.parse(keelson('export').stdout)
    const { repeat } = previous.contracts[0].operations
    repeat.surfaces.http = 'GET /words'
    repeat.input.properties.colour = { type: 'string' }
    delete repeat.input.properties.mood
    const file = write('previous.json', JSON.stringify(previous))
    const { status, stdout } = keelson('check', file)
    expect(status).toBe(1)
    expect(stdout).toContain('BREAKING  words@1.0.0 repeat.http  GET /words became GET /v1/words')
    expect(stdout).toContain('BREAKING  words@1.0.0 repeat.input.colour  was removed')
    expect(stdout).not.toContain('mood')
    expect(keelson('check', file, '--verbose').stdout).toContain('safe      words@1.0.0 repeat.input.mood  is new')
    const json = keelson('check', file, '--json')
    expect(json.status).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ isCompatible: false, changes: [{}, {}] })
  })

  it('lets breaks pass that a major version announces', () => {
    const previous = JSON.parse(keelson('export').stdout)
    previous.contracts[0].version = '0.9.0'
    previous.contracts[0].operations.gone = { kind: 'query', summary: '', errors: {}, surfaces: {} }
    const { status, stdout } = keelson('check', write('older.json', JSON.stringify(previous)))
    expect(stdout).toContain('announced words@0.9.0 gone  the operation was removed')
    expect(status).toBe(0)
  })

  it('imports an OpenAPI document, and says what it leaves out', () => {
    const petstore = join(here, '../../../services/test/fixtures/pets.openapi.json')
    const out = join(folder, 'pets.ts')
    const written = keelson('import', petstore, '--name', 'pets', '--out', out)
    expect(written).toMatchObject({ status: 0, stdout: '' })
    expect(written.stderr).toContain('upload: left out')
    expect(keelson('import', petstore, '--name', 'pets', '--out', '-').stdout).toBe(readFileSync(out, 'utf8'))
    expect(keelson('import', join(folder, 'missing.json'), '--name', 'pets')).toMatchObject({ status: 2 })
    expect(keelson('import', petstore, '--name', 'My Pets').stderr).toContain('OPENAPI_UNREADABLE')
  })

  it('refuses files that are no exports', () => {
    expect(keelson('check', write('broken.json', '{'))).toMatchObject({ status: 2 })
    expect(keelson('check', join(folder, 'missing.json')).stderr).toContain('CONTRACT_DATA_INVALID')
  })
})
