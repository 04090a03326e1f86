/** Changes of a running configuration: updates, and the file as editors and mounts change it, on the real file system. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type ConfigChange, Configuration, type KeelsonError, systemClock } from '../../src/index.ts'
import { createFakeClock } from '../../src/testing.ts'
import { configurationWith, loaded, problemsOf } from './sections.ts'

let folder: string
let path: string
const stops: (() => void)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-config-'))
  path = join(folder, 'keelson.json')
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
  rmSync(folder, { recursive: true, force: true })
})

const write = (values: unknown, file = path) =>
  writeFileSync(file, typeof values === 'string' ? values : JSON.stringify(values))

/** A loaded configuration of the file, whose changes and problems are awaited one by one. */
async function watched(options: object = {}) {
  const problems = inbox<KeelsonError>()
  const changes = inbox<readonly ConfigChange[]>()
  const configuration = await loaded({ file: { path, isRequired: false }, onProblem: problems.put, ...options })
  stops.push(configuration.watch(changes.put))
  return { configuration, changes, problems }
}

/** What arrives, in order; `next` waits for it. */
function inbox<T>() {
  const arrived: T[] = []
  let wake = () => {}
  return {
    arrived,
    put: (item: T) => {
      arrived.push(item)
      wake()
    },
    next: async (): Promise<T> => {
      while (arrived.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      const [item] = arrived.splice(0, 1)
      if (item === undefined) throw new Error('nothing arrived')
      return item
    },
  }
}

describe('Configuration.update()', () => {
  test('sets one value over all layers, and takes it back', async () => {
    const configuration = await loaded({ variables: { KEELSON_LISTENER_PORT: '1' } })
    await configuration.update('listener.port', '2')
    expect(configuration.get('listener').port).toBe(2)
    await configuration.update('listener', { port: 3, tls: { cert: 'c', key: 'k' } })
    await configuration.update('listener.tls.key', 'other')
    expect(configuration.get('listener')).toMatchObject({ port: 3, tls: { cert: 'c', key: 'other' } })
    await configuration.update('listener', undefined)
    expect(configuration.get('listener')).toEqual({ port: 1, host: '127.0.0.1' })
  })

  test('loses no update of many at once, a refused one in between included', async () => {
    const configuration = await loaded()
    const updates = Array.from({ length: 50 }, (_, at) =>
      at === 25 ? configuration.update('listener.port', 'high') : configuration.update(`labels.n${at}`, String(at)),
    )
    const outcomes = await Promise.allSettled(updates)
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(Object.keys(configuration.get('labels'))).toHaveLength(49)
    expect(configuration.get('listener').port).toBe(4000)
  })

  test('switches all sections at once, or none', async () => {
    const configuration = await loaded()
    const seen: unknown[] = []
    configuration.watch(() => void seen.push([configuration.get('listener').port, configuration.get('labels')]))
    const before = configuration.get('listener')
    expect(await problemsOf(configuration.update('listener', { port: -1 }))).toEqual([
      expect.stringMatching(/^listener\.port: .*\(update\)$/),
    ])
    expect(configuration.get('listener')).toBe(before)
    await configuration.load('production')
    expect(seen).toEqual([])
    await configuration.update('listener.port', 5)
    expect(seen).toEqual([[5, {}]])
  })
})

describe('Configuration.validate()', () => {
  test('lists what would be wrong and changes nothing', async () => {
    const configuration = await loaded()
    expect(await configuration.validate({ listener: { port: 1 } })).toEqual([])
    expect(await configuration.validate({ listener: { port: -1, x: 1 } })).toHaveLength(2)
    expect(await configuration.validate(5)).toEqual(['the configuration: an object is needed (validated)'])
    expect(configuration.get('listener').port).toBe(4000)
    await expect(configurationWith().validate({})).rejects.toMatchObject({ code: 'CONFIG_NOT_LOADED' })
  })
})

describe('Configuration.watch()', () => {
  test('tells what changed, value by value, and nothing when nothing did', async () => {
    const configuration = await loaded({ base: { 'full-text': { languages: ['de'] } } })
    const heard: unknown[] = []
    configuration.watch((changes) => void heard.push(changes))
    await configuration.update('listener.port', 4000)
    await configuration.update('full-text', { languages: ['de', 'fr'], fast: true })
    expect(heard).toEqual([
      [
        { section: 'full-text', path: 'full-text.languages', before: ['de'], after: ['de', 'fr'] },
        { section: 'full-text', path: 'full-text.fast', before: undefined, after: true },
      ],
    ])
  })

  test('tells everybody though one fails, and nobody who stopped', async () => {
    const problems = inbox<KeelsonError>()
    const configuration = await loaded({ onProblem: problems.put })
    const heard: string[] = []
    configuration.watch(() => {
      heard.push('first')
      stopLast()
      throw new Error('broken')
    })
    configuration.watch(async () => {
      heard.push('second')
      throw new Error('broken later')
    })
    const stopLast = configuration.watch(() => void heard.push('last'))
    await configuration.update('listener.port', 1)
    const reported = [await problems.next(), await problems.next()]
    expect(heard).toEqual(['first', 'second'])
    expect(reported.map(({ code, details }) => [code, details['reason']])).toEqual([
      ['CONFIG_WATCHER_FAILED', 'broken'],
      ['CONFIG_WATCHER_FAILED', 'broken later'],
    ])
  })

  test('survives a hook that throws', async () => {
    const configuration = await loaded({
      onProblem: () => {
        throw new Error('the hook is broken too')
      },
    })
    configuration.watch(() => {
      throw new Error('broken')
    })
    configuration.watch(async () => {
      throw new Error('broken')
    })
    await configuration.update('listener.port', 1)
    expect(configuration.get('listener').port).toBe(1)
  })

  test('lets a watcher update in turn', async () => {
    const configuration = await loaded()
    const labels = inbox<readonly ConfigChange[]>()
    configuration.watch(async (changes) => {
      if (changes[0]?.section === 'listener') await configuration.update('labels.port', 'changed')
      else labels.put(changes)
    })
    await configuration.update('listener.port', 1)
    expect(await labels.next()).toMatchObject([{ path: 'labels.port', after: 'changed' }])
  })
})

describe('a change of the file', () => {
  test('is taken up when it is written, replaced by rename, removed and made again', async () => {
    write({ listener: { port: 1 } })
    const { configuration, changes } = await watched()
    const port = async () => [(await changes.next())[0]?.after, configuration.get('listener').port]
    write({ listener: { port: 2 } })
    expect(await port()).toEqual([2, 2])
    write({ listener: { port: 3 } }, `${path}.tmp`)
    renameSync(`${path}.tmp`, path)
    expect(await port()).toEqual([3, 3])
    rmSync(path)
    expect(await port()).toEqual([4000, 4000])
    write({ listener: { port: 5 } })
    expect(await port()).toEqual([5, 5])
  })

  test('is taken up where a volume moves the link that the file lies behind', async () => {
    for (const [name, port] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      mkdirSync(join(folder, name))
      write({ listener: { port } }, join(folder, name, 'keelson.json'))
    }
    symlinkSync('one', join(folder, '..data'))
    symlinkSync(join('..data', 'keelson.json'), path)
    const { changes } = await watched()
    symlinkSync('two', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    expect(await changes.next()).toMatchObject([{ path: 'listener.port', before: 1, after: 2 }])
  })

  test('between loading and watching is not missed', async () => {
    write({ listener: { port: 1 } })
    const configuration = await loaded({ file: { path, isRequired: true } })
    write({ listener: { port: 2 } })
    const changes = inbox<readonly ConfigChange[]>()
    stops.push(configuration.watch(changes.put))
    expect(await changes.next()).toMatchObject([{ path: 'listener.port', after: 2 }])
  })

  test('that is not valid keeps the old configuration and is reported once', async () => {
    write({ listener: { port: 1 }, labels: { a: 'kept' } })
    const { configuration, changes, problems } = await watched()
    write({ listener: { port: -1 }, labels: { a: 'lost' } })
    expect(await problems.next()).toMatchObject({ code: 'CONFIG_INVALID' })
    expect([configuration.get('listener').port, configuration.get('labels')]).toEqual([1, { a: 'kept' }])
    write({ listener: { port: -1 }, labels: { a: 'lost' } })
    write('{ "labels": { "a": hunter2')
    const unreadable = await problems.next()
    expect([unreadable.code, unreadable.message.includes('hunter2')]).toEqual(['CONFIG_UNREADABLE', false])
    await configuration.update('labels.b', 'while broken')
    expect(configuration.get('labels')).toEqual({ a: 'kept', b: 'while broken' })
    await changes.next()
    write({ listener: { port: 2 } })
    expect(await changes.next()).toHaveLength(2)
    expect([configuration.get('listener').port, configuration.get('labels')]).toEqual([2, { b: 'while broken' }])
    write('{')
    expect(await problems.next()).toMatchObject({ code: 'CONFIG_UNREADABLE' })
    write('{}')
    await changes.next()
    write('{')
    expect(await problems.next()).toMatchObject({ code: 'CONFIG_UNREADABLE' })
    write({ listener: { port: 7 } })
    await changes.next()
    write('{')
    expect(await problems.next()).toMatchObject({ code: 'CONFIG_UNREADABLE' })
    rmSync(path)
    await changes.next()
    expect([configuration.get('listener').port, problems.arrived]).toEqual([4000, []])
  })

  test('made of many writes is read once they have settled, and what is half written gets a second look', async () => {
    write({ listener: { port: 1 } })
    const clock = createFakeClock()
    const { configuration, changes, problems } = await watched({ clock })
    const asleep = async () => {
      while (clock.sleeping === 0) await setImmediate()
    }
    await clock.advance(20)
    await configuration.validate({})
    for (const port of [2, 3, 4]) write({ listener: { port } })
    await asleep()
    write('{ "listener": {')
    await clock.advance(20)
    await asleep()
    write({ listener: { port: 5 } })
    await clock.advance(20)
    expect(await changes.next()).toMatchObject([{ before: 1, after: 5 }])
    expect([configuration.get('listener').port, changes.arrived, problems.arrived]).toEqual([5, [], []])
  })

  test('is not heard after the last watcher stopped', async () => {
    write({ listener: { port: 1 } })
    const { configuration, changes } = await watched()
    const again = inbox<readonly ConfigChange[]>()
    for (const stop of stops.splice(0)) stop()
    write({ listener: { port: 2 } })
    stops.push(configuration.watch(again.put))
    expect(await again.next()).toMatchObject([{ after: 2 }])
    expect(changes.arrived).toEqual([])
  })

  test('brings new secrets from their files, and those alone when loaded again', async () => {
    const key = join(folder, 'api-key')
    writeFileSync(key, 'first-secret\n')
    const { configuration, changes } = await watched({ variables: { KEELSON_PAYMENT_API_KEY_FILE: key } })
    writeFileSync(key, 'second-secret\n')
    write({ labels: { a: '1' } })
    expect((await changes.next()).map((change) => change.path)).toEqual(['labels.a', 'payment.apiKey'])
    expect(configuration.get('payment').apiKey?.reveal()).toBe('second-secret')
    writeFileSync(key, 'third-secret\n')
    await configuration.load()
    expect(configuration.get('payment').apiKey?.reveal()).toBe('third-secret')
    rmSync(key)
    await problemsOf(configuration.load())
    expect(configuration.get('payment').apiKey?.reveal()).toBe('third-secret')
  })
})

test('Configuration serves sections of asynchronous schemas, one change after the other', async () => {
  let isSlow = true
  const slow = z.object({ value: z.string().default('') }).refine(async () => {
    if (isSlow) await setImmediate()
    return true
  })
  const configuration = new Configuration({ sections: { slow }, clock: systemClock })
  await configuration.load()
  const first = configuration.update('slow.value', 'first')
  isSlow = false
  await Promise.all([first, configuration.update('slow.value', 'second')])
  expect(configuration.get('slow').value).toBe('second')
})
