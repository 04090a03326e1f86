/** Documents and models together: what is found by meaning, which model made it, and what happens when a model changes or misbehaves. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isError } from '@keelson/kernel'
import { pglite } from '@keelson/pglite'
import { startForTest } from '@keelson/services/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { modelEndpoint } from '../keelson.config.ts'
import { Documents, type Overview } from '../services/documents/src/contract.ts'
import { documents } from '../services/documents/src/service.ts'
import { Models } from '../services/models/src/contract.ts'
import { models } from '../services/models/src/service.ts'

const parts = ['keel and keelson', 'mast and spar', 'rope and sheet', 'anchor and chain', 'tar and oakum']
let folder: string
let server: Server | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-semantic-'))
  mkdirSync(join(folder, 'docs'))
  for (let number = 0; number < 30; number++) {
    const words = parts[number % parts.length] ?? ''
    writeFileSync(
      join(folder, 'docs', `${number}.md`),
      `# Ship ${number}\n\nThe ${words} of the ship are of ${number % 2 ? 'oak' : 'iron'}.`,
    )
  }
})
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
  rmSync(folder, { recursive: true, force: true })
})

/** @param data a folder that outlives the system. */
function start(environment: Readonly<Record<string, string>> = {}, data?: string) {
  const { adapters, config } = modelEndpoint(environment)
  return startForTest({
    services: [documents, models],
    adapters: [pglite(), ...adapters],
    config: { documents: { folder: join(folder, 'docs') }, ...config, ...(data && { system: { data } }) },
    persist: data !== undefined,
  })
}

type Started = Awaited<ReturnType<typeof start>>

async function overviewOf(system: Started): Promise<Overview> {
  for await (const overview of system.get(Documents).overview()) return overview
  throw new Error('There is always an overview')
}

/** Waits until all passages have vectors of a model. */
async function untilKnown(system: Started, model: string, version?: string): Promise<void> {
  const wanted = { model, ...(version !== undefined && { version }), done: 30 }
  await vi.waitFor(async () => expect((await overviewOf(system)).vectors).toMatchObject(wanted), {
    timeout: 60_000,
    interval: 30,
  })
}

/** An endpoint with one embedding model; `answer` makes what stands in `data`, or a status. */
async function startEndpoint(answer: (input: readonly string[]) => unknown): Promise<Record<string, string>> {
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const { input } = JSON.parse(body) as { input: string[] }
      const data = answer(input)
      if (data === undefined) return
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ object: 'list', model: 'tiny', data }))
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo
  return { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_EMBEDDING_MODEL: 'tiny' }
}

/** By the letters of a text, so that equal texts have equal vectors. */
const byLetters = (input: readonly string[]) =>
  input.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: ['k', 'm', 'r', 'a', 't'].map((letter) => 0.01 + text.split(letter).length),
  }))

test('a model is fitted on the passages, finds by meaning, and is there again after a restart', async () => {
  const data = join(folder, 'data')
  {
    await using system = await start({}, data)
    await untilKnown(system, 'passages', '1')
    const found = await system.get(Documents).search({ query: 'keelson', ranking: 'semantic', explain: true })
    expect(found.model).toEqual({ model: 'passages', version: '1' })
    expect(found.hits[0]?.text).toContain('keelson')
    expect(found.hits[0]?.explanation?.semantic?.cosine).toBeGreaterThan(0.1)
    expect((await system.get(Documents).search({ query: '"keel and keelson"' })).model).toBeNull()
    expect((await system.health()).status).toBe('ok')
  }
  await using again = await start({}, data)
  // What was kept answers from the first moment.
  expect(await again.get(Documents).search({ query: 'keelson' })).toMatchObject({ model: { version: '1' } })
  expect((await overviewOf(again)).vectors).toMatchObject({ done: 30 })
  await again.get(Documents).upload({ path: 'new.md', content: 'The keel and keelson of a schooner.' })
  await vi.waitFor(
    async () => expect((await overviewOf(again)).vectors).toMatchObject({ version: '1', done: 31 }),
    60_000,
  )
  const { hits } = await again.get(Documents).search({ query: 'schooner keelson', ranking: 'semantic' })
  expect(hits.map(({ path }) => path)).toContain('new.md')
})

test('an alias moves searches to another model, whose vectors are made while the old ones serve', async () => {
  const environment = await startEndpoint(byLetters)
  await using system = await start(environment)
  await untilKnown(system, 'tiny')
  const { bytes } = await fittedElsewhere()
  const { version } = await system.get(Models).register({ name: 'mine', format: 'lsa', bytes })
  await system.get(Models).setAlias({ alias: 'embeddings', model: 'mine', version })
  const seen = new Set<string | undefined>()
  await vi.waitFor(
    async () => {
      const { model } = await system.get(Documents).search({ query: 'mast' })
      seen.add(model?.model)
      expect(model).toEqual({ model: 'mine', version })
    },
    { timeout: 60_000, interval: 10 },
  )
  seen.delete('mine')
  // Until the switch, the old model answered; there was never none.
  expect([...seen].every((model) => model === 'tiny')).toBe(true)
  await untilKnown(system, 'mine', version)
  await system.get(Models).removeAlias({ alias: 'embeddings' })
  await untilKnown(system, 'tiny')
})

test('an endpoint that answers with garbage leaves search to the words, says so, and is used when it has come to itself', async () => {
  const wrongs: ((input: readonly string[]) => unknown)[] = [
    (input) => byLetters(input).slice(1),
    (input) => byLetters(input).map((one) => ({ ...one, embedding: one.embedding.slice(1) })),
    (input) => byLetters(input).map((one) => ({ ...one, embedding: [null, 1, 2, 3, 4] })),
    () => 'garbage',
  ]
  // The dimension is asked for at the start.
  let answer: (input: readonly string[]) => unknown = byLetters
  const environment = await startEndpoint((input) => answer(input))
  answer = (input) => (input.length === 1 ? byLetters(input) : wrongs[0]?.(input))
  await using system = await start(environment)
  for await (const run of system.get(Documents).indexing({ id: 'latest' })) expect(run.skipped).toBe(0)
  for (const wrong of wrongs) {
    answer = wrong
    const { hits, model } = await system.get(Documents).search({ query: 'mast' })
    expect(model).toBeNull()
    expect(hits.length).toBeGreaterThan(0)
    const refused = system.get(Models).embed({ texts: ['mast', 'spar'] })
    await expect(refused).rejects.toSatisfy((error) => isError(error, 'MODEL_ANSWER_INVALID'))
  }
  await vi.waitFor(async () => expect((await system.health()).status).toBe('degraded'), 60_000)
  answer = byLetters
  await untilKnown(system, 'tiny')
  expect(await system.get(Documents).search({ query: 'mast' })).toMatchObject({ model: { model: 'tiny' } })
  answer = () => undefined
  // A query waits for its vector only so long.
  expect(await system.get(Documents).search({ query: 'a question not asked before' })).toMatchObject({ model: null })
})

test('modelEndpoint() needs no endpoint, and takes none without the name of a model', () => {
  expect(modelEndpoint({ OPENAI_API_KEY: 'a key', OPENAI_BASE_URL: 'http://x' })).toEqual({ adapters: [], config: {} })
})

async function fittedElsewhere(): Promise<{ bytes: string }> {
  const { fitLsa } = await import('@keelson/infrastructure')
  const model = await fitLsa(
    parts.map((words) => `the ${words} of a ship`),
    { dimension: 4 },
  )
  return { bytes: Buffer.from(model.toBytes()).toString('base64') }
}
