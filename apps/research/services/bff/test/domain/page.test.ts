import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { defineContract } from '@keelson/kernel'
import { defineService, Listener, type RunningSystem } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { servePage } from '../../src/domain/page.ts'

const script = `export const text = '${'keelson '.repeat(500)}'`
let folder: string
let system: RunningSystem

beforeAll(async () => {
  folder = `${await mkdtemp(join(tmpdir(), 'keelson-built-'))}/`
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Page</title>')
  await writeFile(join(folder, 'assets/page-1.js'), script)
  const pages = defineService(defineContract('pages', '1.0.0', {}), {
    uses: { listener: Listener },
    start: async ({ listener }) => {
      await servePage(listener, folder)
      return {}
    },
  })
  system = await startForTest({ services: [pages], listen: true })
})
afterAll(async () => {
  await system?.close()
  await rm(folder, { recursive: true, force: true })
})

/** `fetch` would decompress and add headers of its own. */
async function get(path: string, headers: Record<string, string> = {}) {
  const asked = request(`${system.url}${path}`, { headers }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return { headers: response.headers, body: Buffer.concat(parts) }
}

describe('servePage()', () => {
  test('sends a file as it is to who asks for nothing else', async () => {
    const { headers, body } = await get('/assets/page-1.js')
    expect(headers['content-encoding']).toBeUndefined()
    expect(headers['vary']).toContain('accept-encoding')
    expect(body.toString()).toBe(script)
  })

  test.each([
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip;q=0.8', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
  ] as const)('compresses for accept-encoding: %s', async (accepted, coding, decompress) => {
    for (const _ of [1, 2]) {
      const { headers, body } = await get('/assets/page-1.js', { 'accept-encoding': accepted })
      expect(headers['content-encoding']).toBe(coding)
      expect(decompress(body).toString()).toBe(script)
      expect(headers['cache-control']).toContain('immutable')
    }
  })

  test('does not take a coding that merely contains the name', async () => {
    const { headers } = await get('/', { 'accept-encoding': 'xbr, x-gzip' })
    expect(headers['content-encoding']).toBeUndefined()
  })
})
