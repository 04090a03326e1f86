import { describe, expect, test } from 'vitest'
import { type Component, isError, kernelErrors, Lifecycle, type StateChanged, startOrder } from '../../src/index.ts'

/** Components that write what happens to them into `steps`. */
function recorded(graph: Readonly<Record<string, readonly string[]>>, failing: Readonly<Record<string, unknown>> = {}) {
  const steps: string[] = []
  const components = Object.entries(graph).map(
    ([name, dependsOn]): Component => ({
      name,
      dependsOn,
      start: async (lifetime) => {
        lifetime.onClose(() => void steps.push(`${name} closed`))
        await Promise.resolve()
        if (name in failing) throw failing[name]
        steps.push(`${name} started`)
      },
    }),
  )
  return { steps, components }
}

function lifecycleOf(components: readonly Component[], changed?: StateChanged): Lifecycle {
  const lifecycle = new Lifecycle(changed)
  for (const component of components) lifecycle.add(component)
  return lifecycle
}

const namesOf = (graph: Readonly<Record<string, readonly string[]>>) =>
  startOrder(recorded(graph).components).map(({ name }) => name)

describe('startOrder()', () => {
  test('puts dependencies first and keeps the given order otherwise', () => {
    expect(namesOf({ c: [], a: ['b', 'd'], b: ['d'], d: [] })).toEqual(['c', 'd', 'b', 'a'])
    expect(namesOf({ z: [], y: [], x: [] })).toEqual(['z', 'y', 'x'])
    expect(namesOf({})).toEqual([])
  })

  test('visits what many depend on once', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`n${index}`, index < 2 ? [] : [`n${index - 1}`, `n${index - 2}`]]),
    )
    expect(namesOf(wide)).toHaveLength(60)
  })

  test('prints the cycle, and only the cycle', () => {
    expect(() => namesOf({ start: ['a'], a: ['b'], b: ['c'], c: ['a'] })).toThrow(
      'Cannot start: a -> b -> c -> a is a cycle',
    )
    expect(() => namesOf({ self: ['self'] })).toThrow('self -> self is a cycle')
  })

  test('prints who needs what is missing', () => {
    expect(() => namesOf({ a: ['b'], b: ['nothing'] })).toThrow('nothing provides "nothing", which a -> b needs')
    expect(() => startOrder(recorded({ a: [] }).components, ['nothing'])).toThrow(/nothing provides "nothing"$/)
  })

  test('leaves out what is neither wanted nor needed', () => {
    const { components } = recorded({ a: ['b'], b: [], c: ['b'], d: [] })
    expect(startOrder(components, ['a']).map(({ name }) => name)).toEqual(['b', 'a'])
    expect(startOrder(components, [])).toEqual([])
  })
})

describe('Lifecycle', () => {
  test('starts each when what it depends on is ready, and closes in reverse', async () => {
    const { steps, components } = recorded({ web: ['store', 'log'], store: ['log'], log: [] })
    const lifecycle = lifecycleOf(components)
    await lifecycle.start()
    await Promise.all([lifecycle.close(), lifecycle.close()])
    await lifecycle.close()
    expect(steps).toEqual(['log started', 'store started', 'web started', 'web closed', 'store closed', 'log closed'])
  })

  test('start() begins only what is named and what that needs, and leaves alone what runs', async () => {
    const { steps, components } = recorded({ a: ['shared'], b: ['shared'], shared: [], idle: [] })
    const lifecycle = lifecycleOf(components)
    await Promise.all([lifecycle.start(['a']), lifecycle.start(['b']), lifecycle.start(['a'])])
    expect(steps).toEqual(['shared started', 'a started', 'b started'])
    await lifecycle.close()
    expect(steps.slice(3)).toEqual(['b closed', 'a closed', 'shared closed'])
  })

  test('start() closes what it had started when one fails, the failed one included, and rejects with its error', async () => {
    const error = kernelErrors.DATABASE_IN_USE({ folder: '/data' })
    const { steps, components } = recorded({ log: [], config: [], store: ['config'], web: ['store'] }, { store: error })
    const lifecycle = lifecycleOf(components)
    await lifecycle.start(['log'])
    await expect(lifecycle.start(['web'])).rejects.toBe(error)
    expect(steps).toEqual(['log started', 'config started', 'store closed', 'config closed'])
    await lifecycle.close()
    expect(steps.at(-1)).toBe('log closed')
  })

  test('start() can be repeated after a failure', async () => {
    const failing: Record<string, unknown> = { store: new Error('not yet') }
    const { steps, components } = recorded({ store: [] }, failing)
    const lifecycle = lifecycleOf(components)
    await expect(lifecycle.start()).rejects.toThrow('not yet')
    delete failing['store']
    await lifecycle.start()
    expect(steps).toEqual(['store closed', 'store started'])
    await lifecycle.close()
  })

  test('start() names the component when the error has no code', async () => {
    const cause = new TypeError('x is not a function')
    const error: unknown = await lifecycleOf(recorded({ store: [] }, { store: cause }).components)
      .start()
      .catch((reason: unknown) => reason)
    expect(isError(error, 'START_FAILED')).toBe(true)
    expect(error).toMatchObject({ cause, details: { component: 'store' } })
  })

  test('start() does not let a failing close hide why it failed', async () => {
    const { components } = recorded({ log: [], store: ['log'] }, { store: new Error('the start') })
    await expect(lifecycleOf([closingBadly('broken'), ...components]).start()).rejects.toThrow('the start')
  })

  test('start() begins nothing of a graph that cannot start', async () => {
    const { steps, components } = recorded({ log: [], a: ['b'], b: ['a'] })
    await expect(lifecycleOf(components).start()).rejects.toThrow('is a cycle')
    expect(steps).toEqual([])
  })

  test('add() refuses a name that is taken', () => {
    const [component] = recorded({ a: [] }).components
    expect(() => component && lifecycleOf([component, component])).toThrow(
      expect.objectContaining({ code: 'COMPONENT_DUPLICATE' }),
    )
  })

  test('stop() closes one, which can be started again', async () => {
    const { steps, components } = recorded({ a: ['b'], b: [] })
    const lifecycle = lifecycleOf(components)
    await lifecycle.start()
    await lifecycle.stop('b')
    await lifecycle.stop('b')
    await lifecycle.start()
    expect(steps).toEqual(['b started', 'a started', 'b closed', 'b started'])
    await lifecycle.close()
  })

  test('close() closes everything before it rejects with the first failure', async () => {
    const { steps, components } = recorded({ log: [] })
    const lifecycle = lifecycleOf([...components, closingBadly('first'), closingBadly('second')])
    await lifecycle.start()
    await expect(lifecycle.close()).rejects.toThrow('Cannot close "second" cleanly')
    expect(steps).toEqual(['log started', 'log closed'])
  })

  test('tells of each step', async () => {
    const told: string[] = []
    const { components } = recorded({ b: ['a'], a: [], c: [] }, { c: new Error('no') })
    const lifecycle = lifecycleOf(components, (component, state) => told.push(`${component} ${state}`))
    await lifecycle.start(['b'])
    await expect(lifecycle.start(['c'])).rejects.toThrow('no')
    await lifecycle.close()
    expect(told.slice(0, 4)).toEqual(['a starting', 'a running', 'b starting', 'b running'])
    expect(told.slice(4, 8)).toEqual(['c starting', 'c closing', 'c closed', 'c failed'])
    expect(told.slice(8)).toEqual(['b closing', 'b closed', 'a closing', 'a closed'])
  })
})

function closingBadly(name: string): Component {
  return {
    name,
    dependsOn: [],
    start: (lifetime) =>
      lifetime.onClose(() => {
        throw new Error('the close')
      }),
  }
}
