import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRpcClient } from '../../src/rest/clients/rpc-client.ts'
import { readSystemKey } from '../../src/system/system-key.ts'
import { startForTest } from '../../src/testing.ts'
import { greeter } from '../greeter.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-listeners-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const start = (listener: Record<string, unknown> = {}) =>
  startForTest({
    services: [greeter],
    listen: true,
    persist: true,
    config: { listener: { port: 0, ...listener }, system: { data: folder } },
  })

describe('the key of a system', () => {
  it('lies in a file for its user alone, as long as the system runs', async () => {
    const system = await start()
    const file = join(folder, 'run.key')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toBe(`${readSystemKey(folder)}\n`)
    await system.close()
    expect(existsSync(file)).toBe(false)
    expect(readSystemKey(folder)).toBeUndefined()
  })

  it('is wanted by /rpc, not by reading nor by the routes of the services', async () => {
    await using system = await start()
    const url = system.url ?? ''
    const call = (key?: string) => createRpcClient(url, { key }).call('greeter', 'greet', { name: 'Ann' })
    expect(await call(readSystemKey(folder))).toEqual({ text: 'Hello, Ann' })
    for (const key of [undefined, '', 'x', `${readSystemKey(folder)}x`])
      await expect(call(key)).rejects.toMatchObject({ code: 'SYSTEM_KEY_WANTED', kind: 'forbidden' })
    const statuses = ['/system', '/system/policies', '/system/traces', '/health/ready', '/v1/greetings/Ann'].map(
      async (path) => (await fetch(`${url}${path}`)).status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200, 200])
  })

  it('of a running system survives another start on its port', async () => {
    await using system = await start()
    const key = readSystemKey(folder)
    const port = Number(new URL(system.url ?? '').port)
    await expect(start({ port })).rejects.toMatchObject({ code: 'LISTENER_PORT_TAKEN' })
    expect(readSystemKey(folder)).toBe(key)
  })
})

describe('the exposure of a listener', () => {
  const statusesOf = async (url: string | undefined) => {
    const paths = ['/v1/greetings/Ann', '/health/live', '/metrics', '/openapi.json', '/system', '/system/logs']
    const read = paths.map(async (path) => (await fetch(`${url}${path}`)).status)
    const rpc = fetch(`${url}/rpc/greeter.ping`, {
      method: 'POST',
      headers: { 'x-keelson-key': readSystemKey(folder) ?? '' },
    })
    return Promise.all([...read, rpc.then(({ status }) => status)])
  }

  it('says what it opens, whatever its address is', async () => {
    await using local = await start({ host: '127.0.0.2' })
    expect(await statusesOf(local.url)).toEqual([200, 200, 200, 200, 200, 200, 204])
    await local.close()
    await using shown = await start({ exposure: 'public' })
    expect(await statusesOf(shown.url)).toEqual([200, 200, 200, 200, 404, 404, 404])
    expect(await (await fetch(`${shown.url}/health/ready`)).json()).toEqual({ status: 'ok' })
    expect(readSystemKey(folder)).toBeUndefined()
  })

  it('leaves metrics, /system and /rpc to a listener of their own, which commands are told of', async () => {
    await using system = await start({ exposure: 'public', administration: { port: 0 } })
    expect(await statusesOf(system.url)).toEqual([200, 200, 404, 200, 404, 404, 404])
    const { url } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
    expect(await statusesOf(url)).toEqual([404, 200, 200, 404, 200, 200, 204])
  })

  it('wants the key for reading too where administration is for other machines', async () => {
    await using system = await start({ administration: { port: 0, exposure: 'public' } })
    const { url } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
    expect((await fetch(`${url}/system`)).status).toBe(403)
    const client = createRpcClient(url, { key: readSystemKey(folder) })
    expect(await client.read('/system')).toMatchObject({ name: system.name })
  })
})
