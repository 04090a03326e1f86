import { describe, expect, test } from 'vitest'
import { type Component, isError, Lifecycle, type LifecycleOptions, type Lifetime } from '../../src/index.ts'
import { createFakeClock, type FakeClock } from '../../src/testing.ts'

/** Lets what was just begun fall asleep before time moves on. */
async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  await clock.advance(0)
  await clock.advance(milliseconds)
}

/** A component whose starts are answered by the test. */
function scripted(
  name: string,
  dependsOn: readonly string[],
  answers: (() => unknown)[],
  more: Partial<Component> = {},
) {
  const lifetimes: Lifetime[] = []
  let closed = 0
  const component: Component = {
    name,
    dependsOn,
    ...more,
    start: (lifetime) => {
      lifetimes.push(lifetime)
      lifetime.onClose(() => void closed++)
      return answers[lifetimes.length - 1]?.()
    },
  }
  return { component, lifetimes, closed: () => closed }
}

function prepared(components: readonly Component[], options: LifecycleOptions = {}) {
  const clock = createFakeClock()
  const told: string[] = []
  const lifecycle = new Lifecycle((name, state) => told.push(`${name} ${state}`), {
    clock,
    random: () => 0.999_999,
    ...options,
  })
  for (const component of components) lifecycle.add(component)
  return { clock, told, lifecycle }
}

const failing = () => {
  throw new Error('no luck')
}
const never = () => new Promise(() => {})

describe('Lifecycle: time-outs', () => {
  test('start() gives up on what is not ready in time, and closes what it opens later', async () => {
    let open = (_: string) => {}
    const late = scripted('late', [], [() => new Promise((resolve) => (open = resolve))], { startTimeoutMs: 1_000 })
    const { clock, lifecycle } = prepared([late.component])
    const started = lifecycle.start().catch((error: unknown) => error)
    await pass(clock, 1_000)
    expect(isError(await started, 'START_TIMED_OUT')).toBe(true)
    expect(late.closed()).toBe(1)
    open('at last')
    let resource = 'open'
    late.lifetimes[0]?.onClose(() => (resource = 'closed'))
    expect([resource, lifecycle.status('late')?.state]).toEqual(['closed', 'failed'])
  })

  test('close() does not wait longer than the time-out, and closes the rest', async () => {
    const stuck = scripted('stuck', ['store'], [(): void => undefined])
    const store = scripted('store', [], [])
    const { clock, lifecycle } = prepared([stuck.component, store.component], { closeTimeoutMs: 500 })
    await lifecycle.start()
    stuck.lifetimes[0]?.onClose(never)
    const closed = lifecycle.close().catch((error: unknown) => error)
    await pass(clock, 500)
    expect(await closed).toMatchObject({ code: 'CLOSE_TIMED_OUT', details: { component: 'stuck', timeoutMs: 500 } })
    expect(store.closed()).toBe(1)
    expect(clock.sleeping).toBe(0)
  })

  test('starts side by side what does not depend on each other', async () => {
    const clock = createFakeClock()
    const slow = (name: string, dependsOn: readonly string[]): Component => ({
      name,
      dependsOn,
      start: () => clock.sleep(100),
    })
    const { lifecycle } = prepared([slow('a', []), slow('b', []), slow('c', ['a', 'b'])], { clock })
    const started = lifecycle.start()
    await pass(clock, 200)
    await started
    expect(clock.monotonic()).toBe(200)
    await lifecycle.close()
  })
})

describe('Lifecycle: restart', () => {
  test('closes what says it has failed and starts it again with growing waits; dependents stay', async () => {
    const store = scripted('store', [], [() => {}, failing, failing, () => {}])
    const web = scripted('web', ['store'], [])
    const { clock, lifecycle } = prepared([store.component, web.component])
    await lifecycle.start()
    store.lifetimes[0]?.failed(new Error('connection lost'))
    expect(lifecycle.status('store')).toMatchObject({ state: 'failed', failures: 1, isRestarting: true })
    expect(String(lifecycle.status('store')?.error)).toContain('"store" has failed: connection lost')
    await pass(clock, 100)
    expect([store.lifetimes.length, lifecycle.status('store')?.failures]).toEqual([2, 2])
    await pass(clock, 200)
    expect(store.lifetimes.length).toBe(3)
    await pass(clock, 400)
    expect(lifecycle.status('store')).toMatchObject({ state: 'running', error: undefined, isRestarting: false })
    expect([web.lifetimes.length, store.closed()]).toEqual([1, 3])
    await lifecycle.close()
    expect([web.closed(), store.closed()]).toEqual([1, 4])
  })

  test('never gives up, and waits no longer than the longest wait', async () => {
    const store = scripted('store', [], [() => {}, ...Array.from({ length: 1_000 }, () => failing)])
    const { clock, lifecycle } = prepared([store.component])
    await lifecycle.start()
    store.lifetimes[0]?.failed('gone')
    await pass(clock, 60_000)
    const tries = store.lifetimes.length
    await pass(clock, 5_000)
    expect(store.lifetimes.length).toBe(tries + 1)
    await lifecycle.close()
    expect([clock.sleeping, store.closed()]).toEqual([0, tries + 1])
  })

  test('waits for what it needs to be back', async () => {
    const store = scripted('store', [], [() => {}, failing, () => {}])
    const web = scripted('web', ['store'], [])
    const { clock, told, lifecycle } = prepared([store.component, web.component])
    await lifecycle.start()
    told.length = 0
    store.lifetimes[0]?.failed('gone')
    web.lifetimes[0]?.failed('its connection too')
    await pass(clock, 5_000)
    expect(told.filter((line) => line.endsWith('running'))).toEqual(['store running', 'web running'])
    await lifecycle.close()
  })

  test('is left out where the policy says so', async () => {
    const store = scripted('store', [], [], { restart: false })
    const { clock, lifecycle } = prepared([store.component])
    await lifecycle.start()
    store.lifetimes[0]?.failed('gone')
    await pass(clock, 60_000)
    expect([lifecycle.status('store')?.state, store.closed()]).toEqual(['failed', 1])
    await lifecycle.start(['store'])
    expect(lifecycle.status('store')?.state).toBe('running')
    await lifecycle.close()
  })
})

describe('Lifecycle: optional dependencies', () => {
  test('start() goes on without one that is missing or fails, which is tried again', async () => {
    const models = scripted('models', [], [failing, () => {}])
    const search = scripted('search', [], [], { optional: ['models', 'nothing'] })
    const { clock, told, lifecycle } = prepared([search.component, models.component])
    await lifecycle.start(['search'])
    expect([lifecycle.status('models')?.state, lifecycle.status('search')?.state]).toEqual(['failed', 'running'])
    expect(told.indexOf('models failed')).toBeLessThan(told.indexOf('search starting'))
    await pass(clock, 100)
    expect(lifecycle.status('models')?.state).toBe('running')
    await lifecycle.close()
    expect([models.closed(), search.closed()]).toEqual([2, 1])
  })
})

describe('Lifecycle: close during a start', () => {
  test('begins nothing more, closes what had started, and the start rejects', async () => {
    const clock = createFakeClock()
    const store = scripted('store', [], [() => clock.sleep(100)])
    const web = scripted('web', ['store'], [])
    const { lifecycle } = prepared([store.component, web.component], { clock })
    const started = lifecycle.start().catch((error: unknown) => error)
    await pass(clock, 50)
    const closed = Promise.all([lifecycle.close(), lifecycle.close()])
    expect(store.lifetimes[0]?.signal.aborted).toBe(true)
    await pass(clock, 50)
    await closed
    expect(isError(await started, 'START_CANCELLED')).toBe(true)
    expect([store.closed(), web.lifetimes.length]).toEqual([1, 0])
  })

  test('lets work in flight end before anything is closed', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const web = scripted('web', ['store'], [], { drain: () => promise })
    const store = scripted('store', [], [])
    const { clock, told, lifecycle } = prepared([web.component, store.component])
    await lifecycle.start()
    const closed = lifecycle.close()
    await pass(clock, 5_000)
    expect([told.at(-1), web.closed(), store.closed()]).toEqual(['web closing', 0, 0])
    resolve()
    await closed
    expect([web.closed(), store.closed()]).toEqual([1, 1])
  })
})
