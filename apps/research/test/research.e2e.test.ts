/** The running system from outside: REST, server-sent events, the command line, restarts and kills. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Document, Indexing, SearchAnswer } from '../services/documents/src/contract.ts'
import { zip } from '../services/documents/test/domain/formats/samples.ts'
import { keelson, type StartedSystem, startSystem } from './start-system.ts'

let folder: string
let docs: string
let data: string
let system: StartedSystem

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'keelson-research-')))
  docs = join(folder, 'docs')
  data = join(folder, 'data')
  mkdirSync(join(docs, 'guides'), { recursive: true })
  writeFileSync(
    join(docs, 'keel.md'),
    '# The keel\n\nA keelson is bolted on top of the keel and ties the frames together.\n',
  )
  writeFileSync(
    join(docs, 'guides/sails.md'),
    '---\ntitle: About sails\n---\n\nHoist the mainsail before the jib. Grüße 😀 from the boom.\n',
  )
  writeFileSync(
    join(docs, 'guides/ropes.txt'),
    Buffer.from('\ufeffA bowline holds a sail. A sheet bend joins two ropes.\n', 'utf16le'),
  )
  writeFileSync(join(docs, 'guides/empty.md'), '')
  writeFileSync(join(docs, 'guides/binary.md'), Buffer.from([0x23, 0, 1, 2, 0xff]))
  writeFileSync(join(docs, 'guides/cyrillic.txt'), Buffer.from([0xea, 0xe8, 0xeb, 0xfc]))
  writeFileSync(join(docs, 'picture.png'), 'not for us')
  symlinkSync('..', join(docs, 'guides/loop'))
  symlinkSync(tmpdir(), join(docs, 'outside'))
  system = await startSystem({ docs, data })
  await indexed()
})
afterAll(async () => {
  await system?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Sends a request; the answer is taken to be a `T`, which assertions then prove or refute. */
async function send<T = unknown>(
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${system.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== ''
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T }
}
const json = { 'content-type': 'application/json' }

const search = async (query: string, more = '') =>
  (await send<SearchAnswer>('GET', `/v1/documents/search?query=${encodeURIComponent(query)}${more}`)).body
const startIndexing = (asked: string) =>
  send<Indexing>('POST', '/v1/documents/index', JSON.stringify({ folder: asked }), json)
const list = async () => (await send<{ documents: Document[] }>('GET', '/v1/documents?limit=1000')).body.documents

type Shown = Document & { text: string; passages: { chunkId: string; start: number; end: number }[] }

/** Reads the newest run to its end. */
async function indexed(id = 'latest'): Promise<Indexing> {
  const { body } = await send<string>('GET', `/v1/documents/index/${id}`)
  const lines = body.split('\n').filter((line) => line.startsWith('data: {"id"'))
  return JSON.parse(lines.at(-1)?.slice('data: '.length) ?? '{}')
}

async function command(...parameters: string[]) {
  const child = spawn(keelson[0], [keelson[1], ...parameters, '--data', data], {
    env: { ...process.env, NO_COLOR: '1' },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

describe('indexing', () => {
  it('indexes what it can and names the rest with a reason', async () => {
    const run = await indexed()
    expect(run).toMatchObject({ state: 'done', folder: docs, indexed: 3, removed: 0, error: null })
    const problems = Object.fromEntries(
      run.problems.map(({ path, code }: { path: string; code: string }) => [path, code]),
    )
    expect(problems).toMatchObject({
      'guides/empty.md': 'DOCUMENTS_FILE_EMPTY',
      'guides/binary.md': 'DOCUMENTS_FILE_BINARY',
      'guides/cyrillic.txt': 'DOCUMENTS_FILE_ENCODING',
      'picture.png': 'DOCUMENTS_FILE_UNSUPPORTED',
    })
    expect(run.skipped).toBeGreaterThanOrEqual(4)
    expect(run.done).toBe(run.found)
  })

  it('indexes another folder of an allowed root: 202, Location, events until the end', async () => {
    const more = join(docs, 'guides')
    const answer = await startIndexing(more)
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/v1/documents/index/${answer.body.id}`])
    expect(await indexed(answer.body.id)).toMatchObject({ state: 'done', folder: more, indexed: 2 })
  })

  it.each([
    ['/no/such/folder', 404, 'DOCUMENTS_FOLDER_MISSING'],
    ['/', 403, 'DOCUMENTS_FOLDER_NOT_ALLOWED'],
    ['DOCS/outside', 403, 'DOCUMENTS_FOLDER_NOT_ALLOWED'],
    ['DOCS/keel.md', 400, 'DOCUMENTS_FOLDER_UNREADABLE'],
  ])('refuses the folder %s', async (asked, status, code) => {
    const answer = await startIndexing(asked.replace('DOCS', docs))
    expect(answer).toMatchObject({ status, body: { code, status } })
  })

  it('refuses to follow an unknown run', async () => {
    expect((await send('GET', '/v1/documents/index/nothing')).body).toMatchObject({
      status: 404,
      code: 'DOCUMENTS_RUN_UNKNOWN',
    })
  })
})

describe('search', () => {
  it('finds passages with everything that a page needs', async () => {
    const answer = await search('ties frames', '&path=*.md')
    expect(answer).toMatchObject({ total: 1, tookMs: expect.any(Number) })
    const hit = answer.hits[0]
    expect(hit).toEqual({
      documentId: expect.stringMatching(/^[0-9a-f]{24}$/),
      chunkId: expect.any(String),
      folder: docs,
      path: 'keel.md',
      title: 'The keel',
      type: 'markdown',
      modifiedAt: expect.any(String),
      start: 0,
      end: expect.any(Number),
      headings: [],
      page: null,
      lines: [1, expect.any(Number)],
      text: expect.stringContaining('bolted on top of the keel'),
      snippet: expect.any(String),
      score: expect.any(Number),
      highlights: expect.any(Array),
    })
    const words = hit?.highlights.map(([start, end]) => hit.text.slice(start, end))
    expect(words?.sort()).toEqual(['frames', 'ties'])
  })

  it('counts all passages, not the page, and pages without overlap', async () => {
    const all = await search('sail rope keel', '&limit=100')
    const pages = await Promise.all([0, 1, 2].map((offset) => search('sail rope keel', `&limit=1&offset=${offset}`)))
    expect(pages.map((page) => page.hits[0]?.chunkId)).toEqual(all.hits.slice(0, 3).map((hit) => hit.chunkId))
    expect(new Set(pages.map(({ total }) => total))).toEqual(new Set([all.total]))
  })

  it('counts by type and place, looks at dates, and says how it came to a score', async () => {
    const { hits, facets, model } = await search('sail', '&facets=true&explain=true')
    expect(facets?.place).toEqual([{ value: 'guides', count: expect.any(Number) }])
    expect(facets?.type.map(({ value }) => value).sort()).toEqual(['markdown', 'text'])
    expect(hits[0]?.explanation?.keyword?.words[0]).toMatchObject({ word: 'sail', score: expect.any(Number) })
    // Too few passages to learn from.
    expect(model).toBeNull()
    expect((await search('sail', '&changedSince=2999-01-01T00:00:00Z')).total).toBe(0)
    expect((await search('sail', '&changedSince=1999-01-01T00:00:00Z')).total).toBeGreaterThan(0)
  })

  it('finds what is misspelt, and only what stands so in quotation marks', async () => {
    expect((await search('bowlnie')).hits[0]?.path).toMatch(/ropes\.txt$/)
    expect((await search('"sheet bend"')).total).toBeGreaterThan(0)
    expect((await search('"bend sheet"')).total).toBe(0)
  })

  it('filters by type and by path', async () => {
    expect((await search('sail', '&type=text')).hits.every((hit) => hit.path.endsWith('.txt'))).toBe(true)
    expect((await search('sail', '&path=guides/**')).total).toBeGreaterThan(0)
    expect((await search('sail', '&path=nothing/**')).total).toBe(0)
  })

  it.each([
    ['', 'OPERATION_INPUT_INVALID'],
    ['%20%20', 'OPERATION_INPUT_INVALID'],
    ['x'.repeat(10_000), 'OPERATION_INPUT_INVALID'],
    ['sail&limit=1001', 'OPERATION_INPUT_INVALID'],
    ['sail&limit=0', 'OPERATION_INPUT_INVALID'],
    ['sail&limit=ten', 'OPERATION_INPUT_INVALID'],
    ['sail&offset=-1', 'OPERATION_INPUT_INVALID'],
    ['sail&type=png', 'OPERATION_INPUT_INVALID'],
    ['sail&ranking=best', 'OPERATION_INPUT_INVALID'],
    ['sail&changedSince=yesterday', 'OPERATION_INPUT_INVALID'],
    ['sail&order=date', 'OPERATION_INPUT_INVALID'],
  ])('refuses the query %.40s', async (query, code) => {
    const answer = await send('GET', `/v1/documents/search?query=${query}`)
    expect(answer).toMatchObject({ status: 400, body: { code, status: 400 } })
  })

  it('answers odd queries', async () => {
    for (const query of [
      '"(',
      '\\',
      "'; drop table documents; --",
      '\u0000',
      '😀',
      'the of and',
      '\ud800'.toWellFormed(),
    ]) {
      expect((await send('GET', `/v1/documents/search?query=${encodeURIComponent(query)}`)).status, query).toBe(200)
    }
  })
})

describe('documents', () => {
  it('lists and shows them, with passages that point into the text', async () => {
    const sails = (await list()).find((one) => one.path === 'guides/sails.md')
    expect(sails).toMatchObject({ title: 'About sails', type: 'markdown', folder: docs, chunks: 1 })
    const shown = (await send<Shown>('GET', `/v1/documents/${sails?.id}`)).body
    expect(shown.text).toBe(readFileSync(join(docs, 'guides/sails.md'), 'utf8'))
    const hit = (await search('mainsail', '&path=guides/sails.md')).hits[0]
    const passage = shown.passages.find((one) => one.chunkId === hit?.chunkId)
    expect(shown.text.slice(passage?.start, passage?.end)).toBe(hit?.text)
  })

  it('takes an upload, finds it at once, replaces and deletes it', async () => {
    const first = await send<Document>('POST', '/v1/documents?path=uploads/wind.md', '# Wind\n\nThe anemometer spins.')
    expect([first.status, first.headers.get('location')]).toEqual([201, `/v1/documents/${first.body.id}`])
    expect((await search('anemometer')).hits[0]).toMatchObject({ documentId: first.body.id, title: 'Wind' })
    const second = await send<Document>('POST', '/v1/documents?path=uploads/wind.md', '# Wind\n\nThe barometer falls.')
    expect(second.body.id).toBe(first.body.id)
    expect([(await search('anemometer')).total, (await search('barometer')).total]).toEqual([0, 1])
    expect((await send('DELETE', `/v1/documents/${first.body.id}`)).status).toBe(204)
    expect((await search('barometer')).total).toBe(0)
    expect((await send('DELETE', `/v1/documents/${first.body.id}`)).body).toMatchObject({
      status: 404,
      code: 'DOCUMENTS_NOT_FOUND',
    })
    expect((await send('GET', `/v1/documents/${first.body.id}`)).body).toMatchObject({
      status: 404,
      code: 'DOCUMENTS_NOT_FOUND',
    })
  })

  it.each([
    ['no path', '', 'x', 'OPERATION_INPUT_INVALID', 400],
    ['a path that climbs', '?path=../x.md', 'x', 'DOCUMENTS_PATH_INVALID', 400],
    ['an absolute path', '?path=/x.md', 'x', 'DOCUMENTS_PATH_INVALID', 400],
    ['another type', '?path=x.png', 'x', 'DOCUMENTS_FILE_UNSUPPORTED', 415],
    ['nothing in it', '?path=x.md', '', 'DOCUMENTS_FILE_EMPTY', 400],
    ['more than 10 MB', '?path=x.md', 'x'.repeat(10 * 1024 * 1024 + 1), 'REQUEST_TOO_LARGE', 413],
  ])('refuses an upload with %s', async (_, query, body, code, status) => {
    expect(await send('POST', `/v1/documents${query}`, body)).toMatchObject({ status, body: { code } })
  })

  it('refuses an upload whose encoding cannot be told', async () => {
    expect((await send('POST', '/v1/documents?path=x.md', new Uint8Array([0x61, 0xff, 0xfe]))).body).toMatchObject({
      code: 'DOCUMENTS_FILE_ENCODING',
    })
  })

  it('takes a file that is no text itself', async () => {
    const page = zip({ 'word/document.xml': '<w:document xmlns:w="w"><w:p><w:t>A spinnaker.</w:t></w:p></w:document>' })
    const { status, body } = await send<Document>('POST', '/v1/documents?path=sails.docx', Uint8Array.from(page))
    expect({ status, type: body.type, title: body.title }).toEqual({ status: 201, type: 'docx', title: 'sails' })
    expect((await search('spinnaker')).hits[0]).toMatchObject({
      path: 'sails.docx',
      type: 'docx',
      text: 'A spinnaker.',
    })
    await send('DELETE', `/v1/documents/${body.id}`)
  })

  it('keeps a deleted document of a folder away until its file changes', async () => {
    const file = join(docs, 'deleted.md')
    const reindex = async () => {
      await indexed((await startIndexing(docs)).body.id)
    }
    writeFileSync(file, '# Deleted\n\nThe sextant.')
    await reindex()
    const documentId = (await search('sextant')).hits[0]?.documentId
    await send('DELETE', `/v1/documents/${documentId}`)
    await reindex()
    expect((await search('sextant')).total).toBe(0)
    writeFileSync(file, '# Deleted\n\nThe sextant, again.')
    await reindex()
    expect((await search('sextant')).hits).toMatchObject([{ documentId }])
    rmSync(file)
    await reindex()
    expect((await search('sextant')).total).toBe(0)
  })
})

describe('the system', () => {
  it('publishes a valid OpenAPI document', async () => {
    const { body } = await send<Record<string, object>>('GET', '/openapi.json')
    expect((await new Validator().validate(body)).errors ?? 'valid').toBe('valid')
    expect(Object.keys(body['paths'] ?? {})).toEqual(
      expect.arrayContaining([
        '/v1/documents',
        '/v1/documents/search',
        '/v1/documents/{id}',
        '/v1/documents/index',
        '/v1/documents/index/{id}',
      ]),
    )
  })

  it('answers health and metrics', async () => {
    for (const path of ['/health/live', '/health/ready', '/health/startup'])
      expect((await send('GET', path)).status).toBe(200)
    expect((await send('GET', '/metrics')).body).toMatch(
      /keelson_operation_duration_seconds_count\{service="documents",operation="search",outcome="answered"\} \d+/,
    )
  })

  it('is called by the command line while it runs', async () => {
    const found = await command('search', 'bowline', '--json')
    expect([found.code, JSON.parse(found.stdout)]).toMatchObject([
      0,
      {
        total: expect.any(Number),
        hits: expect.arrayContaining([expect.objectContaining({ path: 'guides/ropes.txt' })]),
      },
    ])
    expect((await command('search', 'bowline')).stdout).toContain('ropes')
    expect(
      JSON.parse((await command('call', 'documents.list', '--input', '{"limit":1}', '--json')).stdout),
    ).toMatchObject({ documents: [{}] })
    expect((await command('index', docs)).stdout).toMatch(/0 indexed, \d+ unchanged/)
    expect(await command('index', '/no/such/folder')).toMatchObject({
      stderr: expect.stringContaining('DOCUMENTS_FOLDER_MISSING'),
    })
  })

  it('keeps its data to itself: a second start on it is refused by name', async () => {
    await expect(startSystem({ docs, data })).rejects.toThrow('DATABASE_IN_USE')
    expect((await search('keel')).total).toBeGreaterThan(0)
  })

  it('ends with 0, starts again without indexing what has not changed, and then on another folder', async () => {
    await send('POST', '/v1/documents?path=kept.md', 'The upload stays.')
    expect(await system.stop()).toBe(0)
    expect(existsSync(join(data, 'run.json'))).toBe(false)

    const offline = await command('search', 'bowline', '--json')
    expect(JSON.parse(offline.stdout).total).toBeGreaterThan(0)

    system = await startSystem({ docs, data })
    expect((await search('keel')).total).toBeGreaterThan(0)
    expect(await indexed()).toMatchObject({ indexed: 0, unchanged: 3 })
    expect(await system.stop('SIGINT')).toBe(0)

    const other = join(folder, 'other')
    mkdirSync(other)
    writeFileSync(join(other, 'moon.md'), '# Moon\n\nTides follow it.')
    system = await startSystem({ docs: other, data })
    await indexed()
    expect((await search('tides')).total).toBe(1)
    expect((await search('keelson')).total).toBe(0)
    expect((await search('upload stays')).hits).toMatchObject([{ path: 'kept.md' }])
  })

  it('goes on after kill -9 in the middle of indexing', async () => {
    const many = join(folder, 'many')
    mkdirSync(many)
    for (let at = 0; at < 300; at++) {
      writeFileSync(
        join(many, `note-${at}.md`),
        `# Note ${at}\n\n${`word${at} common text about ships and harbours. `.repeat(60)}`,
      )
    }
    await system.stop()
    system = await startSystem({ docs: many, data })
    while ((await search('common')).total === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await system.stop('SIGKILL')
    system = await startSystem({ docs: many, data })
    expect((await search('common')).total).toBeGreaterThan(0)
    const run = await indexed()
    expect(run).toMatchObject({ state: 'done', found: 300 })
    expect(run.indexed + run.unchanged).toBe(300)
    expect(run.unchanged).toBeGreaterThan(0)
    const documents = (await list()).filter((one) => one.folder === many)
    expect(documents).toHaveLength(300)
    for (const at of [0, 150, 299]) expect((await search(`word${at}`)).hits[0]).toMatchObject({ path: `note-${at}.md` })
  })
})

describe('a start that cannot be', () => {
  it.each([
    [
      'a folder that is missing',
      () => ({ docs: join(folder, 'nowhere'), data: join(folder, 'data-2') }),
      'DOCUMENTS_FOLDER_MISSING',
    ],
    ['a data folder that is a file', () => ({ docs, data: join(docs, 'keel.md') }), 'DATA_FOLDER_UNUSABLE'],
  ])('says so: %s', async (_, options, code) => {
    await expect(startSystem(options())).rejects.toThrow(code)
  })

  it('says that the port is taken', async () => {
    const port = new URL(system.url).port
    const child = spawn(keelson[0], [
      keelson[1],
      'start',
      '--docs',
      docs,
      '--data',
      join(folder, 'data-3'),
      '--port',
      port,
    ])
    let errors = ''
    child.stderr.on('data', (text) => {
      errors += text
    })
    const [code] = await once(child, 'exit')
    expect([code, errors]).toEqual([1, expect.stringContaining('LISTENER_PORT_TAKEN')])
  })

  it('answers on an empty folder', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const other = await startSystem({ docs: empty, data: join(folder, 'data-4') })
    const answer = await fetch(`${other.url}/v1/documents/search?query=x`)
    expect(await answer.json()).toMatchObject({ hits: [], total: 0 })
    expect(await other.stop()).toBe(0)
  })
})
