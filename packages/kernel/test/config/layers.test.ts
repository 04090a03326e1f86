import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Configuration } from '../../src/index.ts'
import { configurationWith, loaded, placeOf, problemsWith, sections } from './sections.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-config-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function fileWith(content: unknown, name = 'keelson.json') {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return { path, isRequired: true }
}

describe('Configuration.load()', () => {
  test('gives every section its defaults', async () => {
    const configuration = await loaded()
    expect(configuration.get('listener')).toEqual({ port: 4000, host: '127.0.0.1' })
    expect(configuration.get('full-text')).toEqual({ maxBytes: 1024, languages: ['en'] })
    expect(configuration.get('labels')).toEqual({})
  })

  test('lets code, file, variables and overrides win over each other in this order, value by value', async () => {
    const listener = (port: number, host?: string) => ({ listener: { port, ...(host && { host }) } })
    const base = { ...listener(1, 'code'), environments: { production: listener(2), test: listener(99) } }
    const file = fileWith({ ...listener(3), environments: { production: listener(4, 'file'), staging: listener(98) } })
    const variables = { KEELSON_ENV: 'production', KEELSON_LISTENER_PORT: '5' }
    const portWith = async (options: object) => {
      const { port, host } = (await loaded(options)).get('listener')
      return [port, host]
    }
    expect(await portWith({ base })).toEqual([1, 'code'])
    expect(await portWith({ base, variables: { KEELSON_ENV: 'production' } })).toEqual([2, 'code'])
    expect(await portWith({ base, file })).toEqual([3, 'code'])
    expect(await portWith({ base, file, variables: { KEELSON_ENV: 'production' } })).toEqual([4, 'file'])
    expect(await portWith({ base, file, variables })).toEqual([5, 'file'])
    expect(await portWith({ base, file, variables, overrides: { 'listener.port': '6' } })).toEqual([6, 'file'])
  })

  test('merges objects key by key and replaces lists and nested maps whole', async () => {
    const configuration = await loaded({
      base: {
        listener: { tls: { cert: 'c1', key: 'k1' } },
        'full-text': { languages: ['de', 'fr'] },
        labels: { a: '1', b: '1' },
        payment: { keys: { eu: 'eu-secret' } },
      },
      file: fileWith({
        listener: { tls: { key: 'k2' } },
        'full-text': { languages: ['it'] },
        labels: { b: '2' },
        payment: { keys: { us: 'us-secret' } },
      }),
    })
    expect(configuration.get('listener').tls).toEqual({ cert: 'c1', key: 'k2' })
    expect(configuration.get('full-text').languages).toEqual(['it'])
    expect(configuration.get('labels')).toEqual({ a: '1', b: '2' })
    expect(Object.keys(configuration.get('payment').keys ?? {})).toEqual(['us'])
  })

  test('takes the environment that it is given over KEELSON_ENV, and keeps it when loaded again', async () => {
    const base = { environments: { staging: { labels: { at: 'staging' } } } }
    const configuration = configurationWith({ base, variables: { KEELSON_ENV: 'production' } })
    await configuration.load('staging')
    await configuration.load()
    expect([configuration.environment, configuration.get('labels')]).toEqual(['staging', { at: 'staging' }])
    expect((await loaded()).environment).toBe('development')
  })

  test('refuses an environment that does not exist', async () => {
    for (const name of ['prod', '', 'constructor', 'Production']) {
      await expect(loaded({ variables: { KEELSON_ENV: name } })).rejects.toMatchObject({
        code: 'CONFIG_ENVIRONMENT_UNKNOWN',
        details: { environment: name },
      })
    }
  })

  test('checks names in the other environments too, and the form of all', async () => {
    const problems = await problemsWith({
      base: {
        environments: { prodution: {}, production: { listener: { prot: 1 } }, staging: 5, test: { lisener: {} } },
      },
      file: fileWith({ environments: [] }),
    })
    expect(problems.map(placeOf)).toEqual([
      'environments.prodution',
      'listener.prot',
      'the configuration',
      'lisener',
      'environments',
    ])
    expect(problems[1]).toBe('listener.prot: unknown (code, environments.production)')
  })

  test('is not changed by whoever made the values, and hands out frozen ones', async () => {
    const base = { 'full-text': { languages: ['de'] } }
    const configuration = await loaded({ base })
    base['full-text'].languages.push('fr')
    const labels = { a: '1' }
    const update = configuration.update('labels', labels)
    labels.a = 'changed later'
    await update
    expect(configuration.get('labels')).toEqual({ a: '1' })
    const values = configuration.get('full-text')
    expect(values.languages).toEqual(['de'])
    expect(() => values.languages.push('it')).toThrow(TypeError)
    expect(base['full-text'].languages).toEqual(['de', 'fr'])
  })

  test('refuses to be asked before it was loaded', () => {
    const configuration = configurationWith()
    expect(() => configuration.get('listener')).toThrow(expect.objectContaining({ code: 'CONFIG_NOT_LOADED' }))
    expect(() => configuration.origins()).toThrow(expect.objectContaining({ code: 'CONFIG_NOT_LOADED' }))
  })
})

describe('environment variables', () => {
  test('are read where a section knows their name, in its type', async () => {
    const configuration = await loaded({
      variables: {
        KEELSON_LISTENER_PORT: '4001',
        KEELSON_LISTENER_TLS: '{"cert":"whole","key":"whole"}',
        KEELSON_LISTENER_TLS_KEY: 'part',
        KEELSON_FULL_TEXT_MAX_BYTES: '2048',
        KEELSON_FULL_TEXT_FAST: 'true',
        KEELSON_FULL_TEXT_LANGUAGES: 'de',
        KEELSON_LABELS: '{"a":"b"}',
        KEELSON_LISTENER_UNKNOWN: 'x',
        LISTENER_PORT: '1',
        KEELSON_LISTENER_HOST: undefined,
      },
    })
    expect(configuration.get('listener')).toEqual({
      port: 4001,
      host: '127.0.0.1',
      tls: { cert: 'whole', key: 'part' },
    })
    expect(configuration.get('full-text')).toEqual({ maxBytes: 2048, fast: true, languages: ['de'] })
    expect(configuration.get('labels')).toEqual({ a: 'b' })
  })

  test('are named by the problems that they cause', async () => {
    const problems = await problemsWith({
      variables: { KEELSON_LISTENER_PORT: 'high', KEELSON_LISTENER_TLS: 'junk', KEELSON_LISTENER_TLS_KEY: 'hidden?' },
    })
    expect(problems).toEqual([
      expect.stringMatching(/^listener\.port: .*\(KEELSON_LISTENER_PORT\)$/),
      expect.stringMatching(/^listener\.tls: .*\(KEELSON_LISTENER_TLS\)$/),
    ])
  })
})

describe('overrides', () => {
  test('take the types that the schemas ask for', async () => {
    const overrides = {
      'listener.tls.cert': '7',
      'listener.tls.key': 'k',
      'full-text.fast': true,
      'listener.port': '1',
    }
    const configuration = await loaded({ overrides })
    expect(configuration.get('listener')).toMatchObject({ port: 1, tls: { cert: '7', key: 'k' } })
    expect(configuration.get('full-text').fast).toBe(true)
  })

  test('are problems where nobody has the path', async () => {
    const overrides = { 'listener.prot': '1', 'lisener.port': '1', '': 'x', 'full-text': '5' }
    expect((await problemsWith({ overrides })).map(placeOf)).toEqual(['listener.prot', 'lisener', '', 'full-text'])
  })
})

describe('Configuration.origins()', () => {
  test('names layer or variable of every value, with secrets redacted', async () => {
    const file = fileWith({ listener: { tls: { cert: 'c', key: 'k' } }, payment: { apiKey: 'from-the-file' } })
    const configuration = await loaded({
      base: { 'full-text': { languages: ['de', 'fr'] } },
      file,
      variables: { KEELSON_LISTENER_PORT: '1' },
      overrides: { 'labels.a': 'x' },
    })
    await configuration.update('listener.host', 'localhost')
    expect(configuration.origins()).toEqual([
      { path: 'listener.port', value: 1, origin: 'KEELSON_LISTENER_PORT' },
      { path: 'listener.host', value: 'localhost', origin: 'update' },
      { path: 'listener.tls.cert', value: 'c', origin: file.path },
      { path: 'listener.tls.key', value: 'k', origin: file.path },
      { path: 'full-text.maxBytes', value: 1024, origin: 'defaults' },
      { path: 'full-text.languages', value: ['de', 'fr'], origin: 'code' },
      { path: 'labels.a', value: 'x', origin: 'command line' },
      { path: 'payment.apiKey', value: '[redacted]', origin: file.path },
    ])
    expect(configuration.origins('labels')).toHaveLength(1)
    expect(configuration.origins('nobody')).toEqual([])
  })
})

test('Configuration holds 100 sections and reports what is wrong with each', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`s${at}`, sections.listener]))
  const values = Object.fromEntries(Object.keys(many).map((name) => [name, { port: -1 }]))
  const configuration = new Configuration({ sections: many, base: { name: 'code', values } })
  await expect(configuration.load()).rejects.toSatisfy(({ details }) => details.problems.length === 100)
})
