import { defineAdapter, defineContract, definePort, type Lifetime, optional, query } from '@keelson/kernel'
import { createFakeClock, type FakeClock } from '@keelson/kernel/testing'
import { createInMemoryLog } from '@keelson/telemetry'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Registry } from '../../src/registry/registry.ts'
import { defineService } from '../../src/service/service.ts'

const Models = defineContract('models', '1.0.0', { label: query({ output: z.object({ name: z.string() }) }) })
const Search = defineContract('search', '1.0.0', { find: query({ output: z.object({ by: z.string() }) }) })

const search = defineService(Search, {
  uses: { models: optional(Models, 'searches by word only') },
  start: ({ models }) => ({
    find: async () => ({ by: (await models.current?.label())?.name ?? 'word' }),
  }),
})

function prepared() {
  const clock = createFakeClock()
  const log = createInMemoryLog()
  return { clock, log, registry: new Registry({ clock, log, random: () => 0.5 }) }
}

async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  await clock.advance(0)
  await clock.advance(milliseconds)
}

/** A `models` whose lifetimes the test holds, and whose starts fail while `isBroken`. */
function breakable() {
  const state = { isBroken: false, lifetimes: [] as Lifetime[] }
  const service = defineService(Models, {
    start: ({ lifetime }) => {
      state.lifetimes.push(lifetime)
      if (state.isBroken) throw new Error('no weights')
      return { label: () => ({ name: 'meaning' }) }
    },
  })
  return { state, service }
}

describe('optional()', () => {
  it('lets a service start without what is missing, and its health say what it does without', async () => {
    const { registry } = prepared()
    registry.register(search)
    await registry.start()
    expect(await registry.resolve(Search).find()).toEqual({ by: 'word' })
    expect(await registry.resolve(Search).health()).toEqual({
      status: 'degraded',
      checks: { models: { status: 'degraded', message: 'models is missing; searches by word only' } },
    })
    await registry.shutdown()
  })

  it('lets a service start without what fails, and use it when it comes back', async () => {
    const { clock, registry } = prepared()
    const { state, service } = breakable()
    state.isBroken = true
    registry.register(search)
    registry.register(service)
    await registry.start(['search'])
    const facade = registry.resolve(Search)
    expect(await facade.find()).toEqual({ by: 'word' })
    expect((await facade.health()).checks['models']?.message).toContain('no weights; searches by word only')
    state.isBroken = false
    await pass(clock, 100)
    expect(await facade.find()).toEqual({ by: 'meaning' })
    expect((await facade.health()).status).toBe('ok')
    await registry.shutdown()
  })
})

describe('Registry: a service that fails after its start', () => {
  it('refuses calls by name, says why, and is back', async () => {
    const { clock, log, registry } = prepared()
    const { state, service } = breakable()
    registry.register(service)
    await registry.start()
    const models = registry.resolve(Models)
    state.isBroken = true
    state.lifetimes[0]?.failed(new Error('out of memory'))
    await expect(models.label()).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING', retryable: true })
    await pass(clock, 20_000)
    expect(registry.list()).toMatchObject([{ name: 'models', state: 'failed', error: /no weights/ }])
    expect((await models.health()).checks['state']?.message).toContain('the service is failed: ')
    expect(log.records.filter(({ message }) => message === '"models" has failed').length).toBeGreaterThan(3)
    state.isBroken = false
    await pass(clock, 10_000)
    expect(await models.label()).toEqual({ name: 'meaning' })
    expect(registry.list()).toMatchObject([{ state: 'running', error: undefined }])
    await registry.shutdown()
  })

  it('starts again what holds a value of a port that failed', async () => {
    const Store = definePort<{ readonly number: number }>('store')
    const lifetimes: Lifetime[] = []
    const store = defineAdapter({
      name: 'memory-store',
      provides: Store,
      start: ({ lifetime }) => ({ number: lifetimes.push(lifetime) }),
    })
    const { clock, registry } = prepared()
    registry.provide(store)
    registry.register(
      defineService(Models, {
        uses: { store: Store },
        start: ({ store }) => ({ label: () => ({ name: `${store.number}` }) }),
      }),
    )
    await registry.start()
    expect(await registry.resolve(Models).label()).toEqual({ name: '1' })
    lifetimes[0]?.failed(new Error('connection lost'))
    await pass(clock, 1_000)
    expect(await registry.resolve(Models).label()).toEqual({ name: '2' })
    await registry.shutdown()
  })
})

describe('Registry: close', () => {
  it('lets calls in flight end, and refuses new ones by name', async () => {
    const { registry } = prepared()
    const answer = Promise.withResolvers<{ name: string }>()
    let isClosed = false
    registry.register(
      defineService(Models, {
        start: ({ lifetime }) => {
          lifetime.onClose(() => (isClosed = true))
          return { label: () => answer.promise }
        },
      }),
    )
    await registry.start()
    const models = registry.resolve(Models)
    const inFlight = models.label()
    const closed = registry.shutdown()
    await new Promise((resolve) => setImmediate(resolve))
    await expect(models.label()).rejects.toThrow('the service is closing')
    expect([models.status, (await models.health()).status, isClosed]).toEqual(['closing', 'failed', false])
    answer.resolve({ name: 'done' })
    await closed
    expect([await inFlight, isClosed]).toEqual([{ name: 'done' }, true])
  })

  it('does not wait for calls in flight longer than the time-out', async () => {
    const { clock, registry } = prepared()
    registry.register(
      defineService(Models, {
        lifecycle: { closeTimeoutMs: 300 },
        start: () => ({ label: () => new Promise(() => {}) }),
      }),
    )
    await registry.start()
    void registry.resolve(Models).label()
    const closed = registry.shutdown().catch((error: unknown) => error)
    await pass(clock, 300)
    expect(await closed).toMatchObject({ code: 'CLOSE_TIMED_OUT', details: { waitedFor: 'its work in flight' } })
    expect([registry.list()[0]?.state, clock.sleeping]).toEqual(['closed', 0])
  })

  it('leaves nothing open', async () => {
    const before = process.getActiveResourcesInfo().toSorted()
    const registry = new Registry({ log: createInMemoryLog() })
    const { state, service } = breakable()
    registry.register(service)
    registry.register(search)
    await registry.start()
    await registry.resolve(Search).find()
    await registry.resolve(Models).health()
    state.isBroken = true
    state.lifetimes[0]?.failed(new Error('gone'))
    await registry.shutdown()
    expect(process.getActiveResourcesInfo().toSorted()).toEqual(before)
  })
})

describe('register()', () => {
  it('starts a lazy service at its first call, and again after a start that failed', async () => {
    const { state, service } = breakable()
    const { registry } = prepared()
    registry.register({ ...service, lifecycle: { isLazy: true } })
    await registry.start()
    const models = registry.resolve(Models)
    expect([state.lifetimes.length, (await models.health()).status]).toEqual([0, 'ok'])
    state.isBroken = true
    await expect(models.label()).rejects.toThrow('no weights')
    state.isBroken = false
    expect(await Promise.all([models.label(), models.label()])).toEqual([{ name: 'meaning' }, { name: 'meaning' }])
    expect(state.lifetimes.length).toBe(2)
    await registry.shutdown()
    await expect(models.label()).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING' })
  })

  it('runs one service several times under different names', async () => {
    const { registry } = prepared()
    const { service } = breakable()
    registry.register(service, { instance: 'eu' })
    registry.register(service, { instance: 'us' })
    expect(() => registry.register(service, { instance: 'us' })).toThrow(
      expect.objectContaining({ code: 'COMPONENT_DUPLICATE' }),
    )
    await registry.start()
    await registry.resolve(Models, 'us').cleanup()
    expect(await registry.resolve(Models, 'eu').label()).toEqual({ name: 'meaning' })
    expect(registry.list().map(({ name, state }) => `${name} ${state}`)).toEqual([
      'models:eu running',
      'models:us closed',
    ])
    await expect(registry.resolve(Models, 'us').label()).rejects.toThrow('Cannot call "models:us"')
    await registry.shutdown()
  })

  it("makes an object of one's own with a factory, and calls its hooks", async () => {
    const { registry } = prepared()
    const { service } = breakable()
    const steps: string[] = []
    registry.register(service)
    const Cart = registry.register(
      'cart',
      ({ models }) => ({
        init: () => void steps.push('init'),
        ready: () => void steps.push('ready'),
        cleanup: () => void steps.push('cleanup'),
        label: async () => `by ${(await models.label()).name}`,
      }),
      { uses: { models: Models } },
    )
    expect(() => registry.resolve(Cart)).toThrow(expect.objectContaining({ code: 'SERVICE_NOT_RUNNING' }))
    await registry.start()
    expect(await registry.resolve(Cart).label()).toBe('by meaning')
    expect(registry.resolve('cart')).toBe(registry.resolve(Cart))
    expect(registry.list()).toMatchObject([
      { name: 'models' },
      { name: 'cart', state: 'running', dependsOn: ['models'] },
    ])
    await registry.shutdown()
    expect(steps).toEqual(['init', 'ready', 'cleanup'])
  })
})
