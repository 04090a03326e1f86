import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineAdapter, defineContract, query } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { CacheStore, createInMemoryCacheStore } from '@keelson/resilience'
import { createInMemoryLog } from '@keelson/telemetry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createRpcClient } from '../../src/rest/clients/rpc-client.ts'
import { defineService } from '../../src/service/service.ts'
import { startSystem } from '../../src/system/start-system.ts'
import { defineSystem } from '../../src/system/system.ts'
import { mock, startForTest } from '../../src/testing.ts'
import { Greeter, greeter } from '../greeter.ts'
import { asOrdinaryUser } from '../ordinary-user.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-system-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const Sized = defineContract('sized', '1.0.0', { size: query({ output: z.object({ size: z.int() }) }) })
const sized = defineService(Sized, {
  config: z.object({ size: z.int().default(1), name: z.string().optional() }),
  start: ({ config }) => ({ size: () => ({ size: config.size }) }),
})

describe('startSystem()', () => {
  it('answers health, metrics, OpenAPI and what it consists of', async () => {
    await using system = await startForTest({ services: [greeter], listen: true })
    const read = async (path: string) => fetch(`${system.url}${path}`)
    expect(await (await read('/health/live')).json()).toEqual({ status: 'ok' })
    expect((await read('/health/startup')).status).toBe(200)
    expect(await (await read('/health/ready')).json()).toEqual({
      status: 'ok',
      services: { greeter: { status: 'ok', checks: {} } },
      adapters: {},
    })
    await system.get(Greeter).greet({ name: 'Ann' })
    const metrics = await (await read('/metrics')).text()
    expect(metrics).toMatch(
      /keelson_operation_duration_seconds_count\{service="greeter",operation="greet",outcome="answered"\} 1\n/,
    )
    expect(await (await read('/openapi.json')).json()).toMatchObject({ openapi: '3.1.0' })
    expect(await (await read('/system')).json()).toMatchObject({
      name: 'test',
      services: [{ name: 'greeter', state: 'running' }],
    })
    expect((await read('/docs')).headers.get('content-security-policy')).toContain("default-src 'self'")
  })

  it('is not ready while a check fails', async () => {
    let isWell = true
    const Sick = defineContract('sick', '1.0.0', { ping: query({}) })
    const sick = defineService(Sick, {
      start: ({ health }) => {
        health('pulse', () => (isWell ? { status: 'ok' } : { status: 'failed', message: 'no pulse' }))
        health('mood', () => {
          if (!isWell) throw new Error('bad mood')
          return { status: 'degraded' }
        })
        return { ping: () => {} }
      },
    })
    await using system = await startForTest({ services: [sick], listen: true })
    expect((await fetch(`${system.url}/health/ready`)).status).toBe(200)
    isWell = false
    const answer = await fetch(`${system.url}/health/ready`)
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      {
        status: 'failed',
        services: { sick: { checks: { pulse: { message: 'no pulse' }, mood: { message: 'bad mood' } } } },
      },
    ])
  })

  it('layers configuration: defaults < system < file < environment < overrides', async () => {
    const file = join(folder, 'keelson.json')
    const sizeWith = async (options: object, config = {}) => {
      const system = await startForTest({ services: [sized], config, ...options })
      const { size } = await system.get(Sized).size()
      await system.close()
      return size
    }
    writeFileSync(file, JSON.stringify({ sized: { size: 3 } }))
    const all = {
      file: { path: file, isRequired: true },
      environment: { KEELSON_SIZED_SIZE: '4' },
      overrides: { 'sized.size': '5' },
    }
    expect(await sizeWith({})).toBe(1)
    expect(await sizeWith({}, { sized: { size: 2 } })).toBe(2)
    expect(await sizeWith({ file: all.file }, { sized: { size: 2 } })).toBe(3)
    expect(await sizeWith({ file: all.file, environment: all.environment })).toBe(4)
    expect(await sizeWith(all)).toBe(5)
  })

  it('refuses a configuration with all its problems at once, and starts nothing', async () => {
    const start = startForTest({
      services: [sized],
      config: { sized: { size: 'big', colour: 'red' }, nobody: {} },
      environment: { KEELSON_LISTENER_PORT: '99999' },
    })
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    const { details } = await start.catch((error) => error)
    expect(details.problems.join('\n')).toMatch(/nobody: .*\n?/)
    expect(details.problems.join('\n')).toContain('sized.colour: unknown (keelson.config.ts)')
    expect(details.problems.join('\n')).toMatch(/sized\.size: .*\(keelson\.config\.ts\)/)
    expect(details.problems.join('\n')).toMatch(/listener\.port: .*\(KEELSON_LISTENER_PORT\)/)
  })

  it('refuses a configuration file that is named but missing or broken', async () => {
    const file = { path: join(folder, 'x.json'), isRequired: true }
    await expect(startForTest({ services: [sized], file })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
    writeFileSync(file.path, '{')
    await expect(startForTest({ services: [sized], file })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
  })

  it('announces itself in run.json while it runs', async () => {
    const system = defineSystem({ name: 'announced', services: [greeter] })
    const running = await startSystem(system, {
      overrides: { 'system.data': folder, 'listener.port': 0 },
      log: createInMemoryLog(),
    })
    const file = join(folder, 'run.json')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      name: 'announced',
      url: running.url,
      processId: process.pid,
    })
    await running.close()
    await running.close()
    expect(existsSync(file)).toBe(false)
  })

  it('refuses a data folder that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '')
    const start = startSystem(defineSystem({ name: 'x', services: [] }), {
      overrides: { 'system.data': join(folder, 'file', 'data') },
    })
    await expect(start).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' })
  })

  it('refuses a data folder that cannot be written, before anything in it is opened', async () => {
    chmodSync(folder, 0o555)
    const start = asOrdinaryUser(() =>
      startSystem(defineSystem({ name: 'x', services: [] }), { overrides: { 'system.data': folder } }),
    )
    await expect(start).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('leaves nothing behind that waits when it refuses two adapters of one port', async () => {
    const clock = createFakeClock()
    const cache = () => defineAdapter({ name: 'cache', provides: CacheStore, start: () => createInMemoryCacheStore() })
    const start = startForTest({
      services: [],
      adapters: [cache(), cache()],
      config: { telemetry: { otlp: { endpoint: 'http://127.0.0.1:1' } } },
      clock,
    })
    await expect(start).rejects.toMatchObject({ code: 'COMPONENT_DUPLICATE' })
    expect(clock.sleeping).toBe(0)
  })

  it('replaces a service by a mock of the same contract', async () => {
    const Caller = defineContract('caller', '1.0.0', { ask: query({ output: z.object({ text: z.string() }) }) })
    const caller = defineService(Caller, {
      uses: { greeter: Greeter },
      start: ({ greeter }) => ({ ask: () => greeter.greet({ name: 'Ann' }) }),
    })
    await using system = await startForTest({
      services: [caller],
      mocks: [mock(Greeter, { greet: ({ name }) => ({ text: `mocked ${name}` }) })],
    })
    expect(await system.get(Caller).ask()).toEqual({ text: 'mocked Ann' })
    await expect(system.get(Greeter).keep({ id: 'a', text: 'b' })).rejects.toMatchObject({ code: 'MOCK_NOT_ANSWERED' })
  })
})

describe('createRpcClient()', () => {
  it('calls and subscribes, and rejects with the named error of the other side', async () => {
    await using system = await startForTest({ services: [greeter], listen: true })
    const client = createRpcClient(system.url ?? '')
    expect(await client.call('greeter', 'greet', { name: 'Ann' })).toEqual({ text: 'Hello, Ann' })
    expect(await client.call('greeter', 'ping', undefined)).toBeUndefined()
    const items = []
    for await (const item of client.subscribe('greeter', 'count', { to: 3 })) items.push(item)
    expect(items).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    await expect(client.call('greeter', 'greet', {})).rejects.toMatchObject({
      code: 'OPERATION_INPUT_INVALID',
      kind: 'invalid',
    })
    await expect(
      (async () => {
        for await (const _ of client.subscribe('greeter', 'count', { to: 20 }));
      })(),
    ).rejects.toMatchObject({ code: 'OPERATION_FAILED' })
    await expect(createRpcClient('http://127.0.0.1:9').call('a', 'b', {})).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
    })
  })
})
