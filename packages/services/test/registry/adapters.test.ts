import { defineAdapter, defineContract, definePort, type Lifetime, need, optional, query } from '@keelson/kernel'
import { createFakeClock, type FakeClock } from '@keelson/kernel/testing'
import { createInMemoryLog, Log } from '@keelson/telemetry'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Registry } from '../../src/registry/registry.ts'
import { defineService } from '../../src/service/service.ts'
import { defineSystem } from '../../src/system/system.ts'
import { systemGraph } from '../../src/system/system-graph.ts'
import { startForTest } from '../../src/testing.ts'

const Numbers = definePort<{ readonly number: number }>('numbers')
const Words = definePort<{ readonly word: string }>('words')
const Store = definePort<{ readonly generation: number }>('store')
const Mailer = defineContract('mailer', '1.0.0', { send: query({ output: z.object({ to: z.string() }) }) })
const Reader = defineContract('reader', '1.0.0', { read: query({ output: z.object({ text: z.string() }) }) })
const Administration = defineContract('words-administration', '1.0.0', {
  count: query({ output: z.object({ count: z.int() }) }),
})

/** An adapter of two ports over a third, with an administration and a runner that calls a service, all of which note what happens. */
function prepared({ clock = createFakeClock() }: { clock?: FakeClock } = {}) {
  const notes: string[] = []
  const lifetimes: Record<string, Lifetime[]> = {}
  const begin = (name: string, lifetime: Lifetime) => {
    notes.push(`+${name}`)
    lifetime.onClose(() => notes.push(`-${name}`))
    const all = [...(lifetimes[name] ?? []), lifetime]
    lifetimes[name] = all
    return all.length
  }
  const store = defineAdapter({
    name: 'disk',
    provides: Store,
    start: ({ lifetime }) => ({ generation: begin('store', lifetime) }),
  })
  const words = defineAdapter({
    name: 'dictionary',
    provides: { numbers: Numbers, words: Words },
    uses: { store: Store },
    start: ({ store, lifetime, health }) => {
      begin('dictionary', lifetime)
      health('pages', () => ({ status: 'ok', message: `generation ${store.generation}` }))
      return { numbers: { number: store.generation }, words: { word: 'keel' } }
    },
    contributes: (contribute) => [
      contribute(Administration, ({ words }) => ({ count: () => ({ count: words.word.length }) })),
    ],
    runner: {
      uses: { mailer: Mailer },
      start: async ({ mailer, provided, lifetime }) => {
        begin('runner', lifetime)
        notes.push(`${provided.words.word} to ${(await mailer.send()).to}`)
      },
    },
  })
  const mailer = defineService(Mailer, {
    uses: { numbers: Numbers },
    start: ({ numbers, lifetime }) => {
      begin('mailer', lifetime)
      return { send: () => ({ to: `reader ${numbers.number}` }) }
    },
  })
  const reader = defineService(Reader, {
    uses: { words: Words },
    start: ({ words, lifetime }) => {
      begin('reader', lifetime)
      return { read: () => ({ text: words.word }) }
    },
  })
  return { notes, lifetimes, clock, services: [mailer, reader] as const, adapters: [store, words] as const }
}

/** Lets time pass in which what has failed starts again. */
async function pass(clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await clock.advance(1_000)
}

describe('adapters that use and provide', () => {
  it('start after what they use and before what uses them, their runner after all that it uses; the runner closes first', async () => {
    const { notes, services, adapters } = prepared()
    const system = await startForTest({ services, adapters })
    expect(await system.get(Reader).read()).toEqual({ text: 'keel' })
    expect(notes.slice(0, 2)).toEqual(['+store', '+dictionary'])
    expect(notes.indexOf('+runner')).toBeGreaterThan(notes.indexOf('+mailer'))
    expect(notes).toContain('keel to reader 1')
    await system.close()
    const closed = notes.slice(notes.indexOf('-runner'))
    expect(closed[0]).toBe('-runner')
    expect(closed.slice(-2)).toEqual(['-dictionary', '-store'])
    expect(closed.slice(1, 3).toSorted()).toEqual(['-mailer', '-reader'])
  })

  it('start only when something that uses one of their ports does, and their runner with them', async () => {
    const { notes, adapters } = prepared()
    const Other = defineContract('other', '1.0.0', { ping: query({}) })
    await using system = await startForTest({
      services: [defineService(Other, { start: () => ({ ping: () => {} }) })],
      adapters,
    })
    expect(notes).toEqual([])
    expect((await system.health()).adapters).toEqual({})
    expect(system.registry.adapters()).toMatchObject([
      { name: 'store', adapter: 'disk', state: 'registered', dependsOn: [] },
      { name: 'dictionary', provides: ['numbers', 'words'], state: 'registered', runner: 'registered' },
    ])
  })

  it('contribute contracts that are services like any other', async () => {
    const { services, adapters } = prepared()
    await using system = await startForTest({ services, adapters })
    expect(await system.registry.resolve(Administration).count()).toEqual({ count: 4 })
    const listed = system.registry.list().find(({ name }) => name === 'words-administration')
    expect(listed).toMatchObject({ state: 'running', dependsOn: ['numbers', 'words'] })
    const health = await system.health()
    expect(health.services['words-administration']).toMatchObject({ status: 'ok' })
    expect(health.adapters['dictionary']).toEqual({
      status: 'ok',
      checks: { pages: { status: 'ok', message: 'generation 1' } },
    })
  })

  it('are started by a call of a contract that they contribute', async () => {
    const { notes, services, adapters } = prepared()
    await using system = await startForTest({ services, adapters, only: [] })
    expect(notes).toEqual([])
    expect(await system.registry.resolve(Administration).count()).toEqual({ count: 4 })
    expect(notes).toEqual(expect.arrayContaining(['+dictionary', '+runner']))
  })

  it('are started again with all that hold their values when what they use has failed', async () => {
    const { notes, lifetimes, clock, services, adapters } = prepared()
    await using system = await startForTest({ services, adapters, clock })
    notes.length = 0
    lifetimes['store']?.[0]?.failed(new Error('the disk is gone'))
    await expect(system.get(Reader).read()).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING' })
    expect((await system.health()).adapters['store']).toMatchObject({ status: 'failed' })
    await pass(clock)
    expect(notes).toContain('keel to reader 2')
    expect((await system.health()).status).toBe('ok')
    for (const name of ['store', 'dictionary', 'mailer', 'reader', 'runner']) expect(lifetimes[name]).toHaveLength(2)
  })

  it('go on when their runner fails, which is started again by itself', async () => {
    const { lifetimes, clock, services, adapters } = prepared()
    await using system = await startForTest({ services, adapters, clock })
    lifetimes['runner']?.[0]?.failed(new Error('a worker died'))
    expect((await system.health()).adapters['dictionary']).toMatchObject({
      status: 'degraded',
      checks: { runner: { message: expect.stringContaining('a worker died') } },
    })
    expect(await system.get(Reader).read()).toEqual({ text: 'keel' })
    await pass(clock)
    expect((await system.health()).status).toBe('ok')
    expect([lifetimes['dictionary']?.length, lifetimes['runner']?.length]).toEqual([1, 2])
  })

  it('are refused by name: cycles, what is missing, and a port that is there twice', async () => {
    const circle = defineAdapter({
      name: 'circle',
      provides: Words,
      uses: { reader: Reader },
      start: () => ({ word: '' }),
    })
    const { services, adapters } = prepared()
    const reader = services[1]
    await expect(startForTest({ services: [reader], adapters: [circle] })).rejects.toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      message: expect.stringContaining('reader -> words -> reader'),
    })
    await expect(startForTest({ services: [reader], adapters })).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      message: expect.stringContaining('"mailer", which dictionary runner needs'),
    })
    await expect(startForTest({ services, adapters: [...adapters, circle] })).rejects.toMatchObject({
      code: 'COMPONENT_DUPLICATE',
    })
  })

  it('that fail, when all can do without them, degrade the system and come back', async () => {
    const clock = createFakeClock()
    let isBroken = true
    const words = defineAdapter({
      name: 'words',
      provides: Words,
      start: () => {
        if (isBroken) throw new Error('no dictionary')
        return { word: 'keel' }
      },
      runner: { start: () => {} },
    })
    const reader = defineService(Reader, {
      uses: { words: optional(Words, 'reads nothing') },
      start: ({ words }) => ({ read: () => ({ text: words.current?.word ?? '' }) }),
    })
    await using system = await startForTest({ services: [reader], adapters: [words], clock })
    expect(await system.health()).toMatchObject({ status: 'degraded', adapters: { words: { status: 'degraded' } } })
    isBroken = false
    await pass(clock)
    expect(await system.get(Reader).read()).toEqual({ text: 'keel' })
  })

  it('without ports are started with the system', async () => {
    const notes: string[] = []
    const clockwork = defineAdapter({
      name: 'clockwork',
      provides: {},
      start: () => ({}),
      runner: { uses: { mailer: Mailer }, start: async ({ mailer }) => void notes.push((await mailer.send()).to) },
    })
    const { services, adapters } = prepared()
    await using system = await startForTest({ services, adapters: [...adapters, clockwork] })
    expect(notes).toEqual(['reader 1'])
    expect(system.registry.adapters().at(-1)).toMatchObject({ name: 'clockwork', dependsOn: ['mailer'] })
  })
})

describe('facades that are given through uses', () => {
  const Caller = defineContract('caller', '1.0.0', { run: query({ output: z.object({ text: z.string() }) }) })
  const Carts = defineContract('carts', '1.0.0', {
    add: query({ output: z.object({ text: z.string() }) }),
    clear: query({ output: z.object({ text: z.string() }) }),
  })
  const carts = defineService(Carts, {
    start: () => ({ add: () => ({ text: 'added' }), clear: () => ({ text: 'cleared' }) }),
  })

  async function started(uses: Parameters<typeof need>[1] | undefined, run: (facade: never) => Promise<unknown>) {
    const registry = new Registry({ log: createInMemoryLog() })
    registry.register(carts)
    registry.register(
      defineService(Caller, {
        uses: { carts: uses ? need(Carts, uses as ['add']) : Carts },
        // The tests reach beyond the types on purpose.
        start: ({ carts }) => ({ run: async () => ({ text: String(await run(carts as never)) }) }),
      }),
    )
    await registry.start()
    return registry
  }

  it('refuse to start or to close the service, which its owner may', async () => {
    const registry = await started(undefined, (facade: { cleanup(): Promise<void> }) => facade.cleanup())
    await expect(registry.resolve(Caller).run()).rejects.toMatchObject({
      code: 'SERVICE_NOT_OWNED',
      details: { service: 'carts', caller: 'caller', word: 'cleanup' },
    })
    expect(registry.resolve(Carts).status).toBe('running')
    await registry.resolve(Carts).cleanup()
    expect(registry.resolve(Carts).status).toBe('closed')
    await registry.resolve(Carts).initialize()
    expect(await registry.resolve(Carts).add()).toEqual({ text: 'added' })
    await registry.shutdown()
  })

  it('refuse an operation that was not named', async () => {
    const registry = await started(['add'], async (facade: { add(): Promise<unknown>; clear(): Promise<unknown> }) => {
      await facade.add()
      return facade.clear()
    })
    await expect(registry.resolve(Caller).run()).rejects.toMatchObject({
      code: 'OPERATION_NOT_DECLARED',
      details: { caller: 'caller', operation: 'carts.clear', declared: ['add'] },
    })
    await registry.shutdown()
  })
})

it('systemGraph() gives what each part of a system declares that it uses, and nothing has to run', () => {
  const { notes, services, adapters } = prepared()
  const Shop = defineContract('shop', '1.0.0', { open: query({}) })
  const shop = defineService(Shop, {
    uses: { mailer: need(Mailer, ['send']), reader: optional(Reader), log: Log },
    start: () => ({ open: () => {} }),
  })
  const graph = systemGraph(defineSystem({ name: 'shop', services: [...services, shop], adapters }))
  expect(notes).toEqual([])
  expect(graph.nodes).toEqual([
    ...['mailer', 'reader', 'shop', 'words-administration'].map((name) => ({
      name,
      kind: 'service',
      version: '1.0.0',
    })),
    { name: 'store', kind: 'adapter', provides: ['store'] },
    { name: 'dictionary', kind: 'adapter', provides: ['numbers', 'words'] },
    { name: 'dictionary runner', kind: 'runner' },
    { name: 'log', kind: 'system' },
  ])
  const arrowsFrom = (name: string) =>
    graph.arrows.filter(({ from }) => from === name).map(({ from: _, ...arrow }) => arrow)
  expect(arrowsFrom('shop')).toEqual([
    { to: 'mailer', operations: ['send'], isOptional: false },
    { to: 'reader', isOptional: true },
    { to: 'log', port: 'log', isOptional: false },
  ])
  expect(arrowsFrom('reader')).toEqual([{ to: 'dictionary', port: 'words', isOptional: false }])
  expect(arrowsFrom('dictionary')).toEqual([{ to: 'store', port: 'store', isOptional: false }])
  expect(arrowsFrom('dictionary runner')).toEqual([{ to: 'mailer', isOptional: false }])
})
