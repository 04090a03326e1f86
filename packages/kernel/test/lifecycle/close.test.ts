import { describe, expect, test } from 'vitest'
import { type Component, Lifecycle, type LifecycleOptions } from '../../src/index.ts'
import { createFakeClock } from '../../src/testing.ts'

const never = () => new Promise<void>(() => {})

/** A component that notes its close, which hangs when it is told to. */
function noting(name: string, steps: string[], more: Partial<Component> & { closing?: () => Promise<void> } = {}) {
  const { closing, ...component } = more
  return {
    name,
    dependsOn: [],
    start: (lifetime) => {
      steps.push(`+${name}`)
      lifetime.onClose(async () => {
        steps.push(`-${name}`)
        await closing?.()
      })
    },
    ...component,
  } satisfies Component
}

function prepared(components: readonly Component[], options: LifecycleOptions = {}) {
  const clock = createFakeClock()
  const told: string[] = []
  const lifecycle = new Lifecycle(
    (name, state, error) => told.push(`${name} ${state}${error ? ` ${error.code}` : ''}`),
    {
      clock,
      random: () => 0.5,
      ...options,
    },
  )
  for (const component of components) lifecycle.add(component)
  return { clock, told, lifecycle }
}

describe('Lifecycle: a close that is cut', () => {
  test('waits for nothing any longer, closes the rest in order, and names what was not done', async () => {
    const steps: string[] = []
    const components = [
      noting('store', steps),
      noting('web', steps, { dependsOn: ['store'], drain: never }),
      noting('cache', steps, { dependsOn: ['store'], closing: never }),
    ]
    const { clock, told, lifecycle } = prepared(components)
    await lifecycle.start()
    const cut = new AbortController()
    const closed = expect(lifecycle.close(cut.signal)).rejects.toMatchObject({ code: 'CLOSE_CUT' })
    await clock.advance(100)
    expect(steps.slice(3)).toEqual(['-cache'])
    cut.abort()
    await closed
    expect(steps.slice(3)).toEqual(['-cache', '-web', '-store'])
    expect(told.filter((step) => step.includes(' closed')).toSorted()).toEqual([
      'cache closed CLOSE_CUT',
      'store closed',
      'web closed CLOSE_CUT',
    ])
    expect(clock.sleeping).toBe(0)
  })

  test('may be cut by a later call, and an earlier one ends with it', async () => {
    const { lifecycle } = prepared([noting('web', [], { drain: never })])
    await lifecycle.start()
    const first = expect(lifecycle.close()).rejects.toMatchObject({ code: 'CLOSE_CUT' })
    await lifecycle.close(AbortSignal.abort())
    await first
    // The next time begins anew.
    await lifecycle.start()
    expect(lifecycle.status('web')?.state).toBe('running')
  })
})

describe('Lifecycle: a close during a start', () => {
  const deaf = (steps: string[]) => noting('deaf', steps, { start: never })

  test('gives up on a start that takes no notice when it has had the time of a close', async () => {
    const { clock, lifecycle } = prepared([deaf([])], { startTimeoutMs: 60_000, closeTimeoutMs: 1_000 })
    const started = expect(lifecycle.start()).rejects.toMatchObject({ code: 'START_CANCELLED' })
    await clock.advance(10)
    const closed = lifecycle.close()
    await clock.advance(1_000)
    await started
    await closed
    expect(lifecycle.status('deaf')?.state).toBe('failed')
    expect(clock.sleeping).toBe(0)
  })

  test('leaves no timer behind when the start ends as its signal says', async () => {
    const heeding = noting('heeding', [], {
      start: (lifetime) =>
        new Promise((_, reject) => lifetime.signal.addEventListener('abort', () => reject(lifetime.signal.reason))),
    })
    const { clock, lifecycle } = prepared([heeding])
    const started = expect(lifecycle.start()).rejects.toMatchObject({ code: 'START_CANCELLED' })
    await clock.advance(10)
    await lifecycle.close()
    await started
    expect(clock.sleeping).toBe(0)
  })

  test('gives up at once when it is cut', async () => {
    const { clock, lifecycle } = prepared([deaf([])])
    const started = expect(lifecycle.start()).rejects.toMatchObject({ code: 'START_CANCELLED' })
    await clock.advance(10)
    await lifecycle.close(AbortSignal.abort())
    await started
    expect(clock.sleeping).toBe(0)
  })

  test('gives up on the next try of what has failed', async () => {
    let tries = 0
    const steps: string[] = []
    const component = noting('flaky', steps, {
      start: (lifetime) => {
        if (++tries > 1) return never()
        queueMicrotask(() => queueMicrotask(() => setImmediate(() => lifetime.failed(new Error('broken')))))
      },
    })
    const { clock, lifecycle } = prepared([component], { closeTimeoutMs: 1_000 })
    await lifecycle.start()
    await clock.advance(0)
    await clock.advance(1_000)
    expect(tries).toBe(2)
    const closed = lifecycle.close()
    await clock.advance(0)
    await clock.advance(1_000)
    await closed
    expect(clock.sleeping).toBe(0)
  })
})

describe('Lifecycle: components that follow another', () => {
  const followed = (steps: string[]) => [
    noting('engine', steps),
    noting('user', steps, { dependsOn: ['engine'] }),
    noting('runner', steps, { dependsOn: ['engine', 'helper'], follows: 'engine', closesFirst: true }),
    noting('helper', steps, { dependsOn: ['engine'] }),
    noting('idle', steps),
  ]

  test('start with it, after all that they need, and close before everything else', async () => {
    const steps: string[] = []
    const { lifecycle } = prepared(followed(steps))
    await lifecycle.start(['user'])
    expect(steps.toSorted()).toEqual(['+engine', '+helper', '+runner', '+user'])
    expect(steps.indexOf('+runner')).toBeGreaterThan(steps.indexOf('+helper'))
    await lifecycle.close()
    const closed = steps.slice(4)
    expect([closed[0], closed.at(-1)]).toEqual(['-runner', '-engine'])
    expect(closed.toSorted()).toEqual(['-engine', '-helper', '-runner', '-user'])
  })

  test('do not start without it', async () => {
    const steps: string[] = []
    const { lifecycle } = prepared(followed(steps))
    await lifecycle.start(['idle'])
    expect(steps).toEqual(['+idle'])
    await lifecycle.close()
  })
})
