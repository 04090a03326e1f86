/** The research system as it is, on the PostgreSQL server that DATABASE_URL names. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingServers, type RealServer, startPostgres } from '../real-servers.ts'
import { startResearch, untilSearchable } from '../research-process.ts'

const isSkipped =
  missingServers().some((name) => name.startsWith('PostgreSQL')) && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'

describe.skipIf(isSkipped)('the research system on PostgreSQL', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-research-'))
  const place = { docs: join(folder, 'docs'), data: join(folder, 'data') }
  let server: RealServer
  beforeAll(async () => {
    server = await startPostgres()
    mkdirSync(place.docs)
    writeFileSync(join(place.docs, 'keel.md'), '# The keel\n\nA keelson is bolted on top of the keel.\n')
    writeFileSync(join(place.docs, 'sails.md'), '# Sails\n\nHoist the mainsail before the jib.\n')
  }, 120_000)
  afterAll(async () => {
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  async function found(url: string, query: string): Promise<string[]> {
    const response = await fetch(`${url}/v1/documents/search?${new URLSearchParams({ query })}`)
    // The contract of the documents service says so.
    const { hits } = (await response.json()) as { hits: { path: string }[] }
    return hits.map(({ path }) => path)
  }

  it('indexes, finds, takes uploads and deletions, and has it all after a restart, without a folder of PGlite', async () => {
    // The lines that it runs are counted in this process.
    const environment = { DATABASE_URL: server.url, NODE_V8_COVERAGE: '' }
    const first = await startResearch({ ...place, environment })
    try {
      await untilSearchable(first.url)
      expect(await found(first.url, 'keelson')).toEqual(['keel.md'])
      const upload = await fetch(`${first.url}/v1/documents?path=ropes.md`, {
        method: 'POST',
        body: 'A bowline holds.',
      })
      expect(upload.status).toBe(201)
      const { id } = (await upload.json()) as { id: string }
      expect(await found(first.url, 'bowline')).toEqual(['ropes.md'])
      expect((await fetch(`${first.url}/v1/documents/${id}`, { method: 'DELETE' })).status).toBe(204)
      expect(await found(first.url, 'bowline')).toEqual([])
    } finally {
      await first.stop()
    }
    expect(existsSync(join(place.data, 'database'))).toBe(false)
    const second = await startResearch({ ...place, environment })
    try {
      await untilSearchable(second.url)
      expect(await found(second.url, 'mainsail')).toEqual(['sails.md'])
      expect(await found(second.url, 'bowline')).toEqual([])
    } finally {
      await second.stop()
    }
  })
})
