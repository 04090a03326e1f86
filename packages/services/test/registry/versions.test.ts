import { atLeast, defineContract, optional, query } from '@keelson/kernel'
import { createInMemoryLog } from '@keelson/telemetry'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Registry } from '../../src/registry/registry.ts'
import { defineService, type Service } from '../../src/service/service.ts'
import { NotesV1, NotesV2, NotesV3, notesV1, notesV2 } from '../notes-versions.ts'

const Reader = defineContract('reader', '1.0.0', { both: query({ output: z.object({ text: z.string() }) }) })
const reader = defineService(Reader, {
  uses: { first: NotesV1, second: NotesV2 },
  start: ({ first, second }) => ({
    both: async () => ({ text: `${(await first.get({ id: 'a' })).text} ${(await second.get({ id: 'b' })).title}` }),
  }),
})
const Guest = defineContract('guest', '1.0.0', { ask: query({ output: z.object({ ids: z.array(z.string()) }) }) })
const guest = defineService(Guest, {
  uses: { notes: optional(NotesV2, 'shows nothing recent') },
  start: ({ notes }) => ({ ask: async () => (await notes.current?.recent()) ?? { ids: ['none'] } }),
})
const unserved = (details: object) => expect.objectContaining({ code: 'CONTRACT_VERSION_UNSERVED', details })

function registryOf(...services: Service[]): Registry {
  const registry = new Registry({ log: createInMemoryLog() })
  for (const service of services) registry.register(service)
  return registry
}

describe('Registry, with two major versions of a contract', () => {
  it('gives the later one a name of its own and each caller the version that serves it', async () => {
    const registry = registryOf(notesV1, notesV2)
    await registry.start()
    expect(registry.list()).toMatchObject([
      { name: 'notes', version: '1.4.0', state: 'running' },
      { name: 'notes-v2', version: '2.1.0', state: 'running' },
    ])
    const [first, second] = [registry.resolve(NotesV1), registry.resolve(NotesV2)]
    expect([first.name, second.name]).toEqual(['notes', 'notes-v2'])
    expect(registry.resolve('notes-v2')).toBe(second)
    expect(registry.resolve(atLeast(NotesV1, '1.2.0'))).toBe(first)
    expect(registry.resolve(atLeast(NotesV2, '2.0.3'))).toBe(second)
    expect(await second.get({ id: 'b' })).toMatchObject({ title: 'b' })
    await expect(registry.host('notes-v2').call('get', { id: 1 })).rejects.toThrow('notes-v2.get')
    expect(() => registry.host('notes-v2').operation('old')).toThrow('notes-v2')
    await registry.shutdown()
  })

  it('refuses a version that nobody serves and says which ones are', () => {
    const registry = registryOf(notesV1, notesV2)
    const details = { contract: 'notes', wanted: '3.0.0', served: '1.4.0 and 2.1.0' }
    expect(() => registry.resolve(NotesV3)).toThrow(unserved(details))
    expect(() => registry.resolve(NotesV3)).toThrow('Cannot use notes 3.0.0: the system serves 1.4.0 and 2.1.0')
    expect(() => registry.resolve({ ...NotesV2, version: '2.2.0' })).toThrow(unserved({ ...details, wanted: '2.2.0' }))
    expect(() => registryOf(notesV1).resolve(NotesV2)).toThrow(
      unserved({ contract: 'notes', wanted: '2.1.0', served: '1.4.0' }),
    )
  })

  it('refuses a second service of one major version', () => {
    const newer = { ...notesV2, contract: { ...NotesV2, version: '2.2.0' } }
    for (const services of [
      [notesV1, notesV1],
      [notesV1, notesV2, newer],
    ])
      expect(() => registryOf(...services)).toThrow(expect.objectContaining({ code: 'COMPONENT_DUPLICATE' }))
  })

  it.each([
    ['before', [reader, notesV1, notesV2], ['notes', 'notes-v2']],
    ['between', [notesV1, reader, notesV2], ['notes', 'notes-v2']],
    ['after', [notesV2, notesV1, reader], ['notes-v1', 'notes']],
  ])('starts what uses both, registered %s them', async (_, services, dependsOn) => {
    const registry = registryOf(...services)
    expect(registry.list().find(({ name }) => name === 'reader')?.dependsOn).toEqual(dependsOn)
    await registry.start(['reader'])
    expect(registry.list().map(({ state }) => state)).toEqual(['running', 'running', 'running'])
    await registry.shutdown()
  })

  it('starts only the version that is used', async () => {
    const registry = registryOf(guest, notesV1, notesV2)
    await registry.start(['guest'])
    expect(registry.list()).toMatchObject([
      { name: 'guest', state: 'running', dependsOn: ['notes-v2'] },
      { name: 'notes', state: 'registered' },
      { name: 'notes-v2', state: 'running' },
    ])
    await registry.resolve(NotesV2).cleanup()
    expect(await registry.resolve(Guest).ask()).toEqual({ ids: ['none'] })
    expect((await registry.host('guest').health()).checks).toEqual({
      'notes-v2': { status: 'degraded', message: 'notes-v2 is closed; shows nothing recent' },
    })
    await registry.shutdown()
  })

  it('does not take another version for an optional one', async () => {
    const registry = registryOf(guest, notesV1)
    await registry.start()
    expect(await registry.resolve(Guest).ask()).toEqual({ ids: ['none'] })
    expect(await registry.host('guest').health()).toMatchObject({ status: 'degraded' })
    await registry.shutdown()
  })

  it('starts nothing when a service needs a version that is not served', async () => {
    const registry = registryOf(notesV1, reader)
    await expect(registry.start()).rejects.toEqual(
      unserved({ service: 'reader', contract: 'notes', wanted: '2.1.0', served: '1.4.0' }),
    )
    expect(registry.list().map(({ state }) => state)).toEqual(['registered', 'registered'])
    await registry.shutdown()
  })

  it('lets a later version be served by what uses the earlier one', async () => {
    const adapting = defineService(NotesV2, {
      uses: { before: NotesV1 },
      start: ({ before }) => ({
        get: async ({ id }) => ({ title: id, lines: [(await before.get({ id })).text] }),
        recent: () => ({ ids: [] }),
      }),
    })
    const first = defineService(NotesV1, {
      start: () => ({ get: ({ id }) => ({ text: `<${id}>` }), old: () => ({ text: '' }) }),
    })
    const registry = registryOf(adapting, first)
    await registry.start()
    expect(await registry.resolve(NotesV2).get({ id: 'c' })).toEqual({ title: 'c', lines: ['<c>'] })
    expect(registry.list().map(({ name }) => name)).toEqual(['notes', 'notes-v1'])
    await registry.shutdown()
  })

  it('keeps instances of both apart', async () => {
    const registry = registryOf(notesV1, notesV2)
    registry.register(notesV2, { instance: 'eu' })
    registry.register(notesV1, { instance: 'eu' })
    expect(registry.list().map(({ name }) => name)).toEqual(['notes', 'notes-v2', 'notes-v2:eu', 'notes:eu'])
    expect(registry.resolve(NotesV2, 'eu')).toBe(registry.resolve('notes-v2:eu'))
    expect(registry.resolve(NotesV1, 'eu')).toBe(registry.resolve('notes:eu'))
    expect(() => registry.resolve(NotesV1, 'us')).toThrow(expect.objectContaining({ code: 'SERVICE_UNKNOWN' }))
  })
})
