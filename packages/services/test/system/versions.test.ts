import { type Contract, defineContract, optional, query, type Uses } from '@keelson/kernel'
import { createInMemoryLog } from '@keelson/telemetry'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createClient } from '../../src/rest/clients/client.ts'
import { createRpcClient } from '../../src/rest/clients/rpc-client.ts'
import { http } from '../../src/rest/http.ts'
import { openApiOf } from '../../src/rest/openapi/openapi.ts'
import { defineService } from '../../src/service/service.ts'
import { createBundle } from '../../src/system/bundle.ts'
import { defineSystem } from '../../src/system/system.ts'
import { createMockBundle, mock, startForTest } from '../../src/testing.ts'
import { NotesV1, NotesV2, NotesV3, notesV1, notesV2 } from '../notes-versions.ts'

const Reader = defineContract('reader', '1.0.0', { both: query({ output: z.object({ texts: z.array(z.string()) }) }) })
const reader = defineService(Reader, {
  uses: { first: NotesV1, second: NotesV2 },
  start: ({ first, second }) => ({
    both: async () => ({ texts: [(await first.get({ id: 'a' })).text, (await second.get({ id: 'b' })).title] }),
  }),
})
const config = { notes: { mark: '1' }, 'notes-v2': { mark: '2' } }

describe('startSystem(), with two major versions of a contract', () => {
  it('has both called, each with its configuration, and what uses both', async () => {
    await using system = await startForTest({ services: [reader, notesV1, notesV2], config })
    expect(await system.get(NotesV1).get({ id: 'a' })).toEqual({ text: '1a' })
    expect(await system.get(NotesV2).get({ id: 'b' })).toEqual({ title: 'b', lines: ['2'] })
    expect(await system.get(Reader).both()).toEqual({ texts: ['1a', 'b'] })
    expect([system.get(NotesV1).config, system.get(NotesV2).config]).toEqual([{ mark: '1' }, { mark: '2' }])
    expect(() => system.get(NotesV3)).toThrow(expect.objectContaining({ code: 'CONTRACT_VERSION_UNSERVED' }))
  })

  it('takes variables for the section of the later one, and starts it alone', async () => {
    const environment = { KEELSON_NOTES_MARK: 'one', KEELSON_NOTES_V2_MARK: 'two' }
    await using system = await startForTest({ services: [notesV1, notesV2], environment, only: ['notes-v2'] })
    expect((await system.get(NotesV2).recent()).ids).toEqual(['two'])
    expect(system.get(NotesV1)).toMatchObject({ status: 'registered', config: { mark: 'one' } })
  })

  it('answers for both over HTTP, on their routes and by name', async () => {
    const log = createInMemoryLog()
    await using system = await startForTest({ services: [notesV1, notesV2], config, listen: true, log })
    const url = system.url ?? ''
    const read = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json()
    expect(await read('/v1/notes/x')).toEqual({ text: '1x' })
    expect(await read('/v2/notes/x')).toEqual({ title: 'x', lines: ['2'] })
    const client = createRpcClient(url)
    expect(await client.call('notes', 'get', { id: 'x' })).toEqual({ text: '1x' })
    expect(await client.call('notes-v2', 'get', { id: 'x' })).toEqual({ title: 'x', lines: ['2'] })
    expect(await client.call('notes-v2', 'recent', undefined)).toEqual({ ids: ['2'] })
    expect(await createClient(NotesV2, url, { service: 'notes-v2' }).recent()).toEqual({ ids: ['2'] })
    await expect(client.call('notes-v2', 'get', { key: 'x' })).rejects.toMatchObject({
      code: 'OPERATION_INPUT_INVALID',
      message: expect.stringContaining('notes-v2.get'),
    })
    expect(await read('/health/ready')).toEqual({
      status: 'degraded',
      services: {
        notes: { status: 'ok', checks: { ink: { status: 'ok', message: 'of the first' } } },
        'notes-v2': { status: 'degraded', checks: { ink: { status: 'degraded', message: 'of the second' } } },
      },
      adapters: {},
    })
    expect(await read('/system')).toMatchObject({
      services: [
        { name: 'notes', version: '1.4.0' },
        { name: 'notes-v2', version: '2.1.0' },
      ],
    })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    for (const service of ['notes', 'notes-v2'])
      expect(metrics).toMatch(new RegExp(`_count\\{service="${service}",operation="get",outcome="answered"\\} 2\n`))
    expect(log.records.filter(({ message }) => message === 'Started').map(({ fields }) => fields['service'])).toEqual([
      'notes',
      'notes-v2',
    ])
    // The test after this line is that it is one.
    const document = (await read('/openapi.json')) as Record<string, unknown>
    expect((await new Validator().validate(structuredClone(document))).valid).toBe(true)
    expect(document).toMatchObject({
      tags: [{ name: 'notes' }, { name: 'notes-v2' }],
      paths: {
        '/v1/notes/{id}': { get: { operationId: 'notes.get', tags: ['notes'] } },
        '/v2/notes/{id}': { get: { operationId: 'notes-v2.get', tags: ['notes-v2'] } },
      },
    })
  })

  it('goes into a bundle, with mocks too', async () => {
    await using bundle = await createBundle({ first: notesV1, second: notesV2 }, { config })
    expect([(await bundle.first.get({ id: 'a' })).text, (await bundle.second.get({ id: 'b' })).title]).toEqual([
      '1a',
      'b',
    ])
    await using mocks = await createMockBundle(
      { first: NotesV1, second: NotesV2 },
      { answers: { second: { recent: () => ({ ids: ['m'] }) } } },
    )
    expect(await mocks.second.recent()).toEqual({ ids: ['m'] })
  })
})

describe('openApiOf(), with two major versions of a contract', () => {
  it('tells their operations apart', () => {
    const { paths } = openApiOf({ title: 'test', version: '1.0.0' }, [NotesV1, NotesV2])
    expect(paths).toMatchObject({ '/v2/notes/{id}': { get: { operationId: 'notes-v2.get' } } })
  })
})

describe('defineSystem(), with two major versions of a contract', () => {
  const define = (...services: Parameters<typeof defineSystem>[0]['services']) =>
    defineSystem({ name: 'test', services })
  const using = (uses: Uses) => defineService(defineContract('user', '1.0.0', {}), { uses, start: () => ({}) })
  const code = (code: string, details: object) => expect.objectContaining({ code, details })

  it('checks what is used against both, also what is optional', () => {
    const details = { service: 'user', contract: 'notes', wanted: '3.0.0', served: '1.4.0 and 2.1.0' }
    for (const used of [NotesV1, NotesV2, optional(NotesV2, 'waits')])
      expect(define(using({ used }), notesV1, notesV2).services).toHaveLength(3)
    for (const used of [NotesV3, optional(NotesV3, 'waits')])
      expect(() => define(using({ used }), notesV1, notesV2)).toThrow(code('CONTRACT_VERSION_UNSERVED', details))
    expect(define(using({ used: optional(NotesV3, 'waits') })).services).toHaveLength(1)
  })

  it('names the later one where it is the one at fault', () => {
    const asking = (wanted: Contract) => defineService(NotesV2, { uses: { wanted }, start: notesV2Start })
    expect(() => define(notesV1, asking(NotesV3))).toThrow('Cannot use notes 3.0.0 in "notes-v2"')
  })

  it('refuses one major version twice, and one route for two versions', () => {
    const duplicate = code('COMPONENT_DUPLICATE', { component: 'notes-v2' })
    expect(() => define(notesV1, notesV2, mock({ ...NotesV2, version: '2.2.0' }, {}))).toThrow(duplicate)
    const Same = defineContract('notes', '2.0.0', {
      get: query({ input: z.object({ id: z.string() }) }, http('GET /v1/notes/{id}')),
    })
    expect(() => define(notesV1, mock(Same, {}))).toThrow('notes.get and notes-v2.get both claim it')
  })
})

const notesV2Start = () => ({
  get: ({ id }: { id: string }) => ({ title: id, lines: [] }),
  recent: () => ({ ids: [] }),
})
