/** Every wrong form of configuration: each is named with its place and its layer, and nothing is polluted or half adopted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Configuration, isError } from '../../src/index.ts'
import { loaded, placeOf, problemsOf, problemsWith, sections } from './sections.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-config-'))
  path = join(folder, 'keelson.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Why the file cannot be read. */
async function reasonWith(content: string | Uint8Array): Promise<string> {
  writeFileSync(path, content)
  return reasonOf()
}

async function reasonOf(): Promise<string> {
  const error = await loaded({ file: { path, isRequired: true } }).catch((reason: unknown) => reason)
  if (!isError(error, 'CONFIG_UNREADABLE')) throw error
  expect(error.cause).toBeUndefined()
  return String(error.details['reason'])
}

function nested(levels: number): unknown {
  let value: unknown = {}
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}

describe('values', () => {
  test('of the wrong kind are refused as a whole and in every section', async () => {
    for (const base of [[], 'x', 5, null, true, new Map(), () => {}])
      expect(await problemsWith({ base })).toEqual(['the configuration: an object is needed (code)'])
    for (const wrong of [[], 'x', 5, null, true])
      expect(await problemsWith({ base: { listener: wrong } })).toEqual(['listener: an object is needed (code)'])
    expect((await loaded({ base: { listener: undefined } })).get('listener').port).toBe(4000)
  })

  test('are all reported at once, each with its place and layer', async () => {
    writeFileSync(path, JSON.stringify({ 'full-text': { maxBytes: 0.5, languages: ['en', 7] } }))
    const problems = await problemsWith({
      base: { listener: { port: 'high', prot: 1, tls: { cert: 5, key: 'k', more: 1 } }, lisener: {} },
      file: { path, isRequired: true },
    })
    expect(problems).toHaveLength(7)
    const about = (place: string) => problems.find((problem) => problem.startsWith(`${place}: `))
    expect(about('lisener')).toMatch(/no service or adapter of this system has this name \(code\)$/)
    expect(about('listener.prot')).toBe('listener.prot: unknown (code)')
    expect(about('listener.tls.more')).toBe('listener.tls.more: unknown (code)')
    expect(about('listener.port')).toContain('(code)')
    expect(about('listener.tls.cert')).toContain('(code)')
    expect(about('full-text.maxBytes')).toContain(`(${path})`)
    expect(about('full-text.languages.1')).toContain(`(${path})`)
  })

  test('are blamed on the layer that won, on the object that lacks them, or on the defaults', async () => {
    writeFileSync(path, JSON.stringify({ listener: { port: -1 } }))
    const file = { path, isRequired: true }
    expect((await problemsWith({ base: { listener: { port: 1 } }, file }))[0]).toContain(`(${path})`)
    expect((await problemsWith({ base: { listener: { tls: { cert: 'c' } } } }))[0]).toMatch(
      /^listener\.tls\.key: .*\(code\)$/,
    )
    const needy = new Configuration({ sections: { needs: z.object({ key: z.string() }) } })
    expect((await problemsOf(needy.load()))[0]).toMatch(/^needs\.key: .*\(defaults\)$/)
  })

  test('take nothing from what every object inherits, and reach no prototype', async () => {
    const hostile: unknown = JSON.parse(
      '{"__proto__":{"a":1},"constructor":{"b":1},"listener":{"__proto__":{"polluted":true},"toString":1},"labels":{"__proto__":"x","constructor":"y"}}',
    )
    expect((await problemsWith({ base: hostile })).map(placeOf).sort()).toEqual([
      '__proto__',
      'constructor',
      'labels.__proto__',
      'listener.__proto__',
      'listener.toString',
    ])
    const paths = ['__proto__.x', 'constructor.prototype.x', 'listener.__proto__.x', 'listener.constructor.x']
    const overrides = Object.fromEntries(paths.map((one) => [one, 'polluted']))
    expect((await problemsWith({ overrides })).map(placeOf).sort()).toEqual([
      '__proto__',
      'constructor',
      'listener.__proto__',
      'listener.constructor',
    ])
    const configuration = await loaded()
    for (const one of paths) await problemsOf(configuration.update(one, { polluted: true }))
    expect(await configuration.validate(hostile)).toHaveLength(5)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    await configuration.update('labels', { constructor: 'a label' })
    expect(configuration.get('labels')['constructor']).toBe('a label')
  })

  test('that contain themselves or are nested too deeply are refused', async () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = { again: circle }
    expect(await problemsWith({ base: { labels: circle } })).toEqual([
      'labels.self.again: it contains itself (code)',
      expect.stringMatching(/^labels\.self: /),
    ])
    const [problem] = await problemsWith({ base: { labels: nested(100_000) } })
    expect(problem).toMatch(/^labels(\.a)+: nested deeper than 64 levels \(code\)$/)
    const configuration = await loaded()
    expect(await problemsOf(configuration.update('labels', circle))).toEqual([
      'labels.self.again: it contains itself (update)',
    ])
    const shared = { a: '1' }
    const twice = { keys: { a: shared, b: shared } }
    expect((await problemsWith({ base: { payment: twice } })).join()).not.toContain('itself')
  })

  test('may not have a section whose name means something else', async () => {
    const configuration = new Configuration({ sections: { environments: z.object({}) } })
    expect(await problemsOf(configuration.load())).toEqual(['environments: no service or adapter may have this name'])
  })

  test('that make a schema throw are a problem of their section', async () => {
    const broken = z.object({}).transform(() => {
      throw new Error('a bug in the schema')
    })
    const configuration = new Configuration({ sections: { ...sections, broken } })
    expect(await problemsOf(configuration.load())).toEqual([
      'broken: its schema failed: a bug in the schema (defaults)',
    ])
  })
})

describe('the file', () => {
  test('may have a byte order mark, and be missing unless it was named', async () => {
    writeFileSync(path, '\uFEFF{"listener":{"port":1}}')
    expect((await loaded({ file: { path, isRequired: true } })).get('listener').port).toBe(1)
    const missing = join(folder, 'missing', 'keelson.json')
    expect((await loaded({ file: { path: missing, isRequired: false } })).get('listener').port).toBe(4000)
    await expect(loaded({ file: { path: missing, isRequired: true } })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      details: { file: missing, reason: 'there is none' },
    })
  })

  test('is refused with the place where its JSON breaks, and none of its text', async () => {
    const start = '{\n  "payment": {\n    "apiKey": '
    expect(await reasonWith(`${start}hunter2 }`)).toBe('it is not JSON: unexpected text at line 3, column 15')
    expect(await reasonWith(`${start}"hunter2"`)).toMatch(/^it is not JSON: .* at line 3, column 24$/)
    expect(await reasonWith(`${start}"hunter2`)).toMatch(/^it is not JSON: .* at line 3, column 23$/)
    expect(await reasonWith(`${start}"hunter2" "more"`)).toMatch(/ at line 3, column 25$/)
    expect(await reasonWith('')).toBe('it is not JSON: it ends too early')
    expect(await reasonWith('{} hunter2')).toMatch(/ at line 1, column 4$/)
    expect(await reasonWith('hunter2')).toBe('it is not JSON: unexpected text at line 1, column 1')
    expect(await reasonWith('// a comment\n{}')).toBe('it is not JSON: unexpected text at line 1, column 1')
    for (const text of ['{"a": hunter2}', '{"a": "hunter2', "{'hunter2': 1}", '{"a": 1, hunter2}', '["hunter2"} '])
      expect(await reasonWith(text)).not.toContain('hunter2')
  })

  test('is refused when it is no such file', async () => {
    expect(await reasonWith(new Uint8Array([0x7b, 0xff, 0x7d]))).toBe('it is not UTF-8')
    expect(await reasonWith(' '.repeat(1_048_577))).toBe('it is over 1048576 bytes')
    rmSync(path)
    mkdirSync(path)
    expect(await reasonOf()).toBe('it is a folder')
    path = '/dev/null'
    expect(await reasonOf()).toBe('it is no regular file')
  })

  test('is refused when it is JSON of the wrong kind, or nested beyond reason', async () => {
    const file = { path, isRequired: true }
    for (const text of ['[]', 'null', '5', '"x"']) {
      writeFileSync(path, text)
      expect(await problemsWith({ file })).toEqual([`the configuration: an object is needed (${path})`])
    }
    writeFileSync(path, `{"labels":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    expect((await problemsWith({ file }))[0]).toContain('nested deeper than 64 levels')
  })
})
