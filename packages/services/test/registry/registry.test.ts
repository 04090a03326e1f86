import { defineAdapter, defineContract, definePort, query, type Uses } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { Registry } from '../../src/registry/registry.ts'
import { defineService, type Service } from '../../src/service/service.ts'
import { Greeter, greeter } from '../greeter.ts'

const Store = definePort<{ read(): string }>('store')

/** A service without work that notes its start and close. */
function noting(name: string, uses: Uses, notes: string[], fail = false): Service {
  return defineService(defineContract(name, '1.0.0', { ping: query({}) }), {
    uses,
    start: ({ lifetime }) => {
      lifetime.onClose(() => notes.push(`-${name}`))
      if (fail) throw new Error('no luck')
      notes.push(`+${name}`)
      return { ping: () => {} }
    },
  })
}
const contractOf = (name: string) => defineContract(name, '1.0.0', { ping: query({}) })

describe('Registry', () => {
  it('registers, resolves by contract and by name, and lists', async () => {
    const registry = new Registry()
    registry.register(greeter)
    expect(registry.resolve(Greeter)).toBe(registry.resolve('greeter'))
    expect(registry.list()).toEqual([{ name: 'greeter', version: '1.2.3', state: 'registered', dependsOn: [] }])
    await registry.start()
    expect(registry.list()).toMatchObject([{ state: 'running' }])
    await registry.shutdown()
    await registry.shutdown()
    expect(registry.list()).toMatchObject([{ state: 'closed' }])
  })

  it('refuses unknown and duplicate names', () => {
    const registry = new Registry()
    registry.register(greeter)
    expect(() => registry.resolve('greeeter')).toThrow(
      expect.objectContaining({ code: 'SERVICE_UNKNOWN', details: { service: 'greeeter', known: ['greeter'] } }),
    )
    expect(() => registry.register(greeter)).toThrow(expect.objectContaining({ code: 'COMPONENT_DUPLICATE' }))
  })

  it('starts in the order of dependencies and shuts down in reverse', async () => {
    const notes: string[] = []
    const registry = new Registry()
    registry.register(noting('top', { middle: contractOf('middle') }, notes))
    registry.register(noting('middle', { bottom: contractOf('bottom') }, notes))
    registry.register(noting('bottom', {}, notes))
    await registry.start()
    await registry.shutdown()
    expect(notes).toEqual(['+bottom', '+middle', '+top', '-top', '-middle', '-bottom'])
  })

  it('prints the path to a missing dependency and of a cycle', async () => {
    const registry = new Registry()
    registry.register(noting('a', { b: contractOf('b') }, []))
    registry.register(noting('b', { store: Store }, []))
    await expect(registry.start()).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      message: expect.stringContaining('"store", which a -> b needs'),
    })
    const circle = new Registry()
    circle.register(noting('x', { y: contractOf('y') }, []))
    circle.register(noting('y', { z: contractOf('z') }, []))
    circle.register(noting('z', { x: contractOf('x') }, []))
    await expect(circle.start()).rejects.toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      message: expect.stringContaining('x -> y -> z -> x'),
    })
  })

  it('closes what had started when a start fails, and says which failed', async () => {
    const notes: string[] = []
    const registry = new Registry()
    registry.register(noting('good', {}, notes))
    registry.register(noting('bad', { good: contractOf('good') }, notes, true))
    await expect(registry.start()).rejects.toMatchObject({ code: 'START_FAILED', details: { component: 'bad' } })
    expect(notes).toEqual(['+good', '-bad', '-good'])
    expect(registry.list().map(({ state }) => state)).toEqual(['closed', 'failed'])
  })

  it('starts an adapter only when something that uses its port starts', async () => {
    const notes: string[] = []
    const store = defineAdapter({
      name: 'memory-store',
      provides: Store,
      start: ({ lifetime }) => {
        notes.push('+store')
        lifetime.onClose(() => notes.push('-store'))
        return { read: () => 'kept' }
      },
    })
    const registry = new Registry()
    registry.provide(store)
    registry.register(noting('plain', {}, notes))
    const reader = defineService(contractOf('reader'), {
      uses: { store: Store },
      start: ({ store }) => ({ ping: () => void notes.push(store.read()) }),
    })
    registry.register(reader)
    await registry.start(['plain'])
    expect(notes).toEqual(['+plain'])
    await registry.resolve('reader').initialize()
    await registry.host('reader').call('ping', undefined)
    await registry.shutdown()
    expect(notes.slice(0, 3)).toEqual(['+plain', '+store', 'kept'])
    // Neither depends on the other, so they close side by side.
    expect(notes.slice(3).toSorted()).toEqual(['-plain', '-store'])
  })

  it('refuses an implementation that misses operations, which the compiler cannot see in a cast', async () => {
    const registry = new Registry()
    registry.register({ ...noting('half', {}, []), start: async () => ({}) })
    await expect(registry.start()).rejects.toMatchObject({
      code: 'SERVICE_IMPLEMENTATION_INCOMPLETE',
      details: { operations: ['ping'] },
    })
  })

  it('refuses an implementation that has more than the contract, or is none, and says where the service was defined', async () => {
    const Ping = defineContract('pinging', '1.0.0', { ping: query({}) })
    const start = (made: unknown) => {
      const registry = new Registry()
      // The compiler refuses these; a cast or plain JavaScript does not.
      registry.register({
        ...defineService(Ping, { start: () => ({ ping: () => {} }) }),
        start: async () => made as never,
      })
      return registry.start()
    }
    await expect(start({ ping() {}, pong() {} })).rejects.toMatchObject({
      code: 'SERVICE_IMPLEMENTATION_FOREIGN',
      details: { operations: ['pong'], place: expect.stringContaining('registry.test.ts:') },
    })
    for (const made of [undefined, null, 7, 'ping', [], { ping: 'no function' }])
      await expect(start(made)).rejects.toMatchObject({
        code: 'SERVICE_IMPLEMENTATION_INCOMPLETE',
        details: { operations: ['ping'], place: expect.stringContaining('registry.test.ts:') },
      })
  })
})
