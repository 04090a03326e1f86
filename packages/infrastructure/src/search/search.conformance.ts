/** What every `Search` must pass, as data so that any test runner can run it. Each case makes an index of its own and deletes it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isError } from '@keelson/kernel'
import type { DocumentFilter } from './document-filter.ts'
import type { DocumentQuery, Search, SearchTask } from './search.ts'
import type { FieldValue, IndexSettings, SearchDocument } from './search-document.ts'

export interface SearchCase {
  readonly name: string
  /** @param create a port that may have other indexes; within one case called once. */
  run(create: () => Search | Promise<Search>): Promise<void>
}

const settings: IndexSettings = {
  title: 'title',
  text: ['text'],
  attributes: { type: 'string', pages: 'number', isDraft: 'boolean', changed: 'date', tags: 'strings' },
}

export const searchConformance: readonly SearchCase[] = [
  searchCase('upsert() makes documents found once it is waited for', async ({ index, search, found, fill }) => {
    await fill([{ id: 'a', fields: { title: 'Keel', text: 'carries the frames', type: 'md' } }])
    assert.deepEqual(await found('frames'), ['a'])
    const { hits } = await search.search(index, { text: 'keel' })
    assert.deepEqual(hits[0]?.fields, { title: 'Keel', text: 'carries the frames', type: 'md' })
    assert.ok((hits[0]?.score ?? 0) > 0)
  }),
  searchCase('upsert() replaces whole documents, and the last of equal ids wins', async ({ found, fill }) => {
    await fill([text('a', 'keel'), text('b', 'keel')])
    await fill([text('a', 'first'), text('a', 'mast')])
    assert.deepEqual(await found('keel'), ['b'])
    assert.deepEqual(await found('first'), [])
    assert.deepEqual(await found('mast'), ['a'])
  }),
  searchCase('changes take effect in the order in which they were made', async ({ index, search, found, done }) => {
    const tasks = await Promise.all([
      search.upsert(index, [text('a', 'keel')]),
      search.upsert(index, [text('a', 'mast')]),
      search.upsert(index, [text('b', 'mast')]),
      search.delete(index, ['b']),
    ])
    for (const task of tasks) await done(task)
    assert.deepEqual(await found('keel'), [])
    assert.deepEqual(await found('mast'), ['a'])
  }),
  searchCase('update() changes the fields given and leaves the others', async ({ index, search, fill, done }) => {
    await fill([{ id: 'a', fields: { title: 'Keel', text: 'oak', pages: 3, type: 'md' } }])
    await done(
      await search.update(index, [
        { id: 'a', fields: { text: 'pine', type: undefined } },
        { id: 'new', fields: { text: 'pine' } },
      ]),
    )
    const { hits } = await search.search(index, { text: 'pine', sort: [{ attribute: 'pages', order: 'ascending' }] })
    assert.deepEqual(
      hits.map(({ id, fields }) => ({ id, fields })),
      [
        { id: 'a', fields: { title: 'Keel', text: 'pine', pages: 3 } },
        { id: 'new', fields: { text: 'pine' } },
      ],
    )
    assert.equal((await search.search(index, { text: 'oak' })).total, 0)
  }),
  searchCase(
    'delete() takes documents out, and an unknown id is nothing',
    async ({ index, search, found, fill, done }) => {
      await fill([text('a', 'keel'), text('b', 'keel')])
      await done(await search.delete(index, ['a', 'nowhere']))
      assert.deepEqual(await found('keel'), ['b'])
    },
  ),
  searchCase('deleteBy() deletes what passes the filter', async ({ index, search, found, fill, done }) => {
    await fill(ships)
    await done(await search.deleteBy(index, { attribute: 'pages', is: '>', value: 10 }))
    assert.deepEqual(await found(''), ['a', 'b', 'e'])
  }),
  searchCase('upsert() takes 2,500 documents', async ({ index, search, fill }) => {
    const documents = Array.from({ length: 2_500 }, (_, number) => text(`id-${number}`, `keel number${number}`))
    await fill(documents)
    assert.equal((await search.search(index, { text: 'keel', limit: 1 })).total, 2_500)
    assert.equal((await search.search(index, { text: 'number1234', typos: false })).hits[0]?.id, 'id-1234')
  }),
  searchCase('search() ranks a word before a beginning, and that before a misspelling', async ({ found, fill }) => {
    await fill([
      text('beginning', 'anchored'),
      text('typo', 'anchar'),
      text('word', 'anchor'),
      text('longer', 'anchorage'),
    ])
    const ids = await found('anchor')
    assert.ok(ids.indexOf('word') < ids.indexOf('longer'), ids.join())
    assert.ok(ids.indexOf('longer') < ids.indexOf('typo'), ids.join())
    assert.ok(ids.includes('typo'))
  }),
  searchCase(
    'search() finds words of 4 letters with one misspelt, unless told not to',
    async ({ index, search, found, fill }) => {
      await fill([text('a', 'keel'), text('b', 'starboard'), text('c', 'oak')])
      assert.deepEqual(await found('kele'), ['a'])
      assert.deepEqual(await found('keael'), ['a'])
      assert.deepEqual(await found('startbord'), ['b'])
      assert.deepEqual(await found('oek'), [])
      assert.equal((await search.search(index, { text: 'kele', typos: false })).total, 0)
    },
  ),
  searchCase('search() completes the last word, unless told not to', async ({ index, search, found, fill }) => {
    await fill([text('a', 'keelson'), text('b', 'mast')])
    assert.deepEqual(await found('keels'), ['a'])
    assert.equal((await search.search(index, { text: 'mas', prefix: false, typos: false })).total, 0)
  }),
  searchCase('search() takes no notice of accents and case', async ({ found, fill }) => {
    await fill([text('a', 'Élève naïf'), text('b', 'Straße')])
    assert.deepEqual(await found('eleve'), ['a'])
    assert.deepEqual(await found('NAÏF'), ['a'])
    assert.deepEqual(await found('strasse'), ['b'])
  }),
  searchCase('search() finds words of Chinese, Japanese, Cyrillic and Arabic', async ({ found, fill }) => {
    await fill([
      text('zh', '如何安装搜索引擎'),
      text('ja', '東京タワーに行きました'),
      text('ru', 'Корабль плывёт'),
      text('ar', 'السفينة في البحر'),
    ])
    assert.deepEqual(await found('搜索'), ['zh'])
    assert.deepEqual(await found('タワー'), ['ja'])
    assert.deepEqual(await found('плывет'), ['ru'])
    assert.deepEqual(await found('البحر'), ['ar'])
  }),
  searchCase('search() wants quoted words as a phrase', async ({ found, fill }) => {
    await fill([text('a', 'a false keel of oak'), text('b', 'false is the keel')])
    assert.deepEqual(await found('"false keel"'), ['a'])
  }),
  searchCase('search() filters by each comparison of each type', async ({ found, fill }) => {
    await fill(ships)
    for (const [filter, ids] of filterCases)
      assert.deepEqual(await found('keel', { filter }), ids, JSON.stringify(filter))
  }),
  searchCase('search() takes values with quotes and operators for values', async ({ found, fill }) => {
    const values = ['a"b', "a'b", 'a:b', 'a OR b', 'a) OR (b', '\\', 'a AND NOT b', 'type="md"']
    await fill(values.map((type, number) => ({ id: `${number}`, fields: { text: 'keel', type } })))
    for (const [number, value] of values.entries()) {
      assert.deepEqual(await found('keel', { filter: { attribute: 'type', is: '=', value } }), [`${number}`], value)
    }
    assert.deepEqual(await found('keel', { filter: { attribute: 'type', is: '=', value: '" OR type != "' } }), [])
  }),
  searchCase(
    'search() counts facets among all hits, with and without their own filter',
    async ({ index, search, fill }) => {
      await fill(ships)
      const counted = async (query: Partial<DocumentQuery>) => {
        const { facets } = await search.search(index, { text: 'keel', limit: 0, ...query })
        return facets.map(({ attribute, values }) => [
          attribute,
          ...values.map(({ value, count }) => `${value} ${count}`),
        ])
      }
      assert.deepEqual(
        await counted({ facets: [{ attribute: 'type' }, { attribute: 'tags' }, { attribute: 'isDraft' }] }),
        [
          ['type', 'md 2', 'pdf 1', 'txt 1'],
          ['tags', 'oak 3', 'ship 2'],
          ['isDraft', 'false 2', 'true 1'],
        ],
      )
      const filter: DocumentFilter = {
        and: [
          { attribute: 'type', is: '=', value: 'md' },
          { attribute: 'pages', is: '>=', value: 3 },
        ],
      }
      assert.deepEqual(await counted({ filter, facets: [{ attribute: 'type' }] }), [['type', 'md 2']])
      const own = { attribute: 'type', withoutOwnFilter: true }
      assert.deepEqual(await counted({ filter, facets: [own] }), [['type', 'md 2', 'pdf 1', 'txt 1']])
      assert.deepEqual(await counted({ filter, facets: [{ ...own, limit: 1 }] }), [['type', 'md 2']])
    },
  ),
  searchCase('search() sorts by attributes, what has none last', async ({ found, fill }) => {
    await fill(ships)
    const by = (attribute: string, order: 'ascending' | 'descending') => found('', { sort: [{ attribute, order }] })
    assert.deepEqual(await by('pages', 'ascending'), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await by('pages', 'descending'), ['d', 'c', 'b', 'a', 'e'])
    assert.deepEqual(await by('changed', 'descending'), ['c', 'b', 'a', 'd', 'e'])
    const sort: DocumentQuery['sort'] = [
      { attribute: 'type', order: 'descending' },
      { attribute: 'pages', order: 'descending' },
    ]
    assert.deepEqual(await found('', { sort }), ['d', 'c', 'b', 'a', 'e'])
  }),
  searchCase('search() marks what it found, everything else escaped for HTML', async ({ index, search, fill }) => {
    await fill([{ id: 'a', fields: { title: 'R&D', text: '<b>Keels</b> & "anchors" of O\'Neill <script>' } }])
    const highlight = { before: '<mark>', after: '</mark>' }
    const { hits } = await search.search(index, { text: 'keel anchr', highlight })
    assert.equal(
      hits[0]?.highlights?.text,
      '&lt;b&gt;<mark>Keels</mark>&lt;/b&gt; &amp; &quot;<mark>anchors</mark>&quot; of O&#39;Neill &lt;script&gt;',
    )
    assert.equal(hits[0]?.highlights?.title, undefined)
  }),
  searchCase('search() lists all documents for an empty text', async ({ found, fill, search, index }) => {
    await fill(ships)
    assert.deepEqual(await found(''), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await found(' \n'), ['a', 'b', 'c', 'd', 'e'])
    assert.equal((await search.search(index, { text: '?!' })).total, 0)
  }),
  searchCase('search() gives pages that neither overlap nor leave gaps', async ({ index, search, fill }) => {
    await fill(Array.from({ length: 53 }, (_, number) => text(`id-${number}`, `keel ${'oak '.repeat(number % 4)}`)))
    for (const query of [
      { text: 'keel' },
      { text: '' },
      { text: 'keel', sort: [{ attribute: 'pages', order: 'ascending' }] },
    ] as const) {
      const all = (await search.search(index, { ...query, limit: 100 })).hits.map(({ id }) => id)
      assert.equal(new Set(all).size, 53)
      const paged: string[] = []
      for (let offset = 0; offset < 60; offset += 7) {
        const page = await search.search(index, { ...query, limit: 7, offset })
        assert.equal(page.total, 53)
        paged.push(...page.hits.map(({ id }) => id))
      }
      assert.deepEqual(paged, all)
    }
  }),
  searchCase('everything refuses an unknown index with SEARCH_INDEX_UNKNOWN', async ({ search, index }) => {
    const nowhere = `${index}-nowhere`
    await refuses('SEARCH_INDEX_UNKNOWN', search.search(nowhere, { text: 'keel' }))
    await refuses(
      'SEARCH_INDEX_UNKNOWN',
      search.multiSearch([
        { index, text: '' },
        { index: nowhere, text: '' },
      ]),
    )
    await refuses('SEARCH_INDEX_UNKNOWN', search.suggest(nowhere, 'k'))
    await refuses('SEARCH_INDEX_UNKNOWN', search.upsert(nowhere, []))
    await refuses('SEARCH_INDEX_UNKNOWN', search.update(nowhere, []))
    await refuses('SEARCH_INDEX_UNKNOWN', search.delete(nowhere, ['a']))
    await refuses('SEARCH_INDEX_UNKNOWN', search.deleteBy(nowhere, { and: [] }))
    await refuses('SEARCH_INDEX_UNKNOWN', search.replaceAll(nowhere, []))
    await refuses('SEARCH_INDEX_UNKNOWN', search.setSynonyms(nowhere, []))
    await search.deleteIndex(nowhere)
  }),
  searchCase('search() refuses fields that are no attributes with SEARCH_FIELD_UNKNOWN', async ({ search, index }) => {
    const refused: Partial<DocumentQuery>[] = [
      { filter: { attribute: 'colour', is: '=', value: 'red' } },
      { filter: { not: { or: [{ attribute: 'title', is: '=', value: 'x' }] } } },
      { filter: { attribute: '__proto__', is: '=', value: 'x' } },
      { facets: [{ attribute: 'text' }] },
      { sort: [{ attribute: 'constructor', order: 'ascending' }] },
      { sort: [{ attribute: 'tags', order: 'ascending' }] },
    ]
    for (const query of refused) await refuses('SEARCH_FIELD_UNKNOWN', search.search(index, { text: 'keel', ...query }))
    await refuses('SEARCH_FIELD_UNKNOWN', search.deleteBy(index, { attribute: 'colour', is: '=', value: 'red' }))
  }),
  searchCase(
    'search() refuses comparisons that a type does not have with SEARCH_FILTER_INVALID',
    async ({ search, index }) => {
      let deep: DocumentFilter = { attribute: 'type', is: '=', value: 'md' }
      for (let depth = 0; depth < 1_000; depth++) deep = { not: deep }
      const refused: DocumentFilter[] = [
        { attribute: 'pages', is: '=', value: '3' },
        { attribute: 'pages', is: 'in', values: [3, true] },
        { attribute: 'pages', is: '<', value: Number.NaN },
        { attribute: 'pages', is: 'glob', glob: '*' },
        { attribute: 'type', is: '<', value: 'md' },
        { attribute: 'isDraft', is: '>', value: false },
        { attribute: 'changed', is: '=', value: '2026-01-01' },
        { attribute: 'changed', is: '<', value: new Date(Number.NaN) },
        deep,
      ]
      // What a caller without types might give.
      const shapeless = [
        null,
        'type = md',
        { and: { attribute: 'type' } },
        { or: [7] },
        { not: null },
        { attribute: 'type', is: 'in' },
      ] as unknown[]
      for (const filter of [...refused, ...(shapeless as DocumentFilter[])]) {
        await refuses('SEARCH_FILTER_INVALID', search.search(index, { text: '', filter }))
        await refuses('SEARCH_FILTER_INVALID', search.deleteBy(index, filter))
      }
    },
  ),
  searchCase(
    'search() refuses limits and globs that make no sense with SEARCH_QUERY_INVALID',
    async ({ search, index }) => {
      const refused: Partial<DocumentQuery>[] = [
        { limit: -1 },
        { limit: 1.5 },
        { offset: -1 },
        { filter: { attribute: 'type', is: 'glob', glob: '[' } },
      ]
      for (const query of refused) await refuses('SEARCH_QUERY_INVALID', search.search(index, { text: '', ...query }))
    },
  ),
  searchCase(
    'documents that do not fit the settings are refused, and nothing has changed',
    async ({ search, index, found, fill }) => {
      await fill([text('a', 'keel')])
      // Each is what a caller without types might give.
      const refused = [
        { id: '', fields: { text: 'mast' } },
        { id: 'b', fields: { colour: 'mast' } },
        { id: 'b', fields: { text: 7 } },
        { id: 'b', fields: { pages: '7' } },
        { id: 'b', fields: { pages: Number.POSITIVE_INFINITY } },
        { id: 'b', fields: { changed: new Date(Number.NaN) } },
        { id: 'b', fields: { tags: ['oak', 7] } },
        { id: 'b', fields: { tags: 'oak' } },
      ] as unknown as SearchDocument[]
      for (const document of refused) {
        const documents = [text('c', 'mast'), document]
        await refuses('SEARCH_DOCUMENT_INVALID', search.upsert(index, documents))
        await refuses('SEARCH_DOCUMENT_INVALID', search.replaceAll(index, documents))
        await refuses('SEARCH_DOCUMENT_INVALID', search.update(index, documents))
      }
      assert.deepEqual(await found(''), ['a'])
    },
  ),
  searchCase(
    'createIndex() refuses settings that make no sense with SEARCH_SETTINGS_INVALID',
    async ({ search, index }) => {
      const refused: IndexSettings[] = [
        { text: [] },
        { title: 'text', text: ['text'] },
        { text: ['text', 'text'] },
        { text: ['text'], attributes: { text: 'number' } },
      ]
      for (const one of refused) await refuses('SEARCH_SETTINGS_INVALID', search.createIndex(`${index}-2`, one))
      await refuses('SEARCH_INDEX_UNKNOWN', search.search(`${index}-2`, { text: '' }))
    },
  ),
  searchCase(
    'createIndex() gives an index other settings and keeps its documents',
    async ({ search, index, found, fill, done }) => {
      await fill([{ id: 'a', fields: { title: 'Keel', text: 'oak', pages: 3 } }])
      await done(await search.createIndex(index, { text: ['title'], attributes: { pages: 'number' } }))
      assert.deepEqual(await found('keel'), ['a'])
      assert.deepEqual(await found('oak'), [])
      assert.deepEqual(await found('', { filter: { attribute: 'pages', is: '=', value: 3 } }), ['a'])
    },
  ),
  searchCase(
    'replaceAll() never shows an index that is empty or half full',
    async ({ index, search, found, fill, done }) => {
      const filler = (word: string, count: number) =>
        Array.from({ length: count }, (_, number) => text(`${word}-${number}`, `${word} ship`))
      await fill(filler('old', 900))
      const task = await search.replaceAll(index, filler('new', 1_300))
      let isSettled = false
      const settled = done(task).then(() => {
        isSettled = true
      })
      const seen = new Set<number>()
      while (!isSettled) {
        seen.add((await search.search(index, { text: 'ship', limit: 1 })).total)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await settled
      seen.add((await search.search(index, { text: 'ship', limit: 1 })).total)
      assert.deepEqual(
        [...seen].filter((total) => total !== 900),
        [1_300],
      )
      assert.deepEqual(await found('old', { typos: false }), [])
    },
  ),
  searchCase(
    'setSynonyms() makes words stand for others, one way or both',
    async ({ index, search, found, fill, done }) => {
      await fill([
        text('a', 'couch'),
        text('b', 'sofa'),
        text('c', 'iphone'),
        text('d', 'phone'),
        text('e', 'new york city'),
      ])
      await done(
        await search.setSynonyms(index, [
          { words: ['couch', 'sofa'] },
          { from: 'phone', to: ['iphone'] },
          { words: ['NYC', 'New York City'] },
        ]),
      )
      assert.deepEqual(await found('couch'), ['a', 'b'])
      assert.deepEqual(await found('sofas'), ['b', 'a'])
      assert.deepEqual(await found('phone'), ['d', 'c'])
      assert.deepEqual(await found('iphone'), ['c'])
      assert.deepEqual(await found('nyc'), ['e'])
      await done(await search.replaceAll(index, [text('b', 'sofa')]))
      assert.deepEqual(await found('couch'), ['b'])
      await done(await search.setSynonyms(index, []))
      assert.deepEqual(await found('couch'), [])
    },
  ),
  searchCase(
    'suggest() gives words and titles with the number of their documents',
    async ({ index, search, fill, done }) => {
      await fill([
        { id: 'a', fields: { title: 'Keels of Oak', text: 'the keel and the keelson, keel' } },
        { id: 'b', fields: { title: 'Keels of Oak', text: 'a Keel' } },
        { id: 'c', fields: { title: 'Masts', text: 'keel Élève' } },
      ])
      const { words, titles } = await search.suggest(index, 'KE')
      assert.deepEqual(words, [
        { text: 'keel', count: 3 },
        { text: 'Keels', count: 2 },
        { text: 'keelson', count: 1 },
      ])
      assert.deepEqual(titles, [{ text: 'Keels of Oak', count: 2 }])
      assert.deepEqual((await search.suggest(index, 'oak')).titles, [{ text: 'Keels of Oak', count: 2 }])
      assert.deepEqual((await search.suggest(index, 'keels of o')).titles, [{ text: 'Keels of Oak', count: 2 }])
      assert.deepEqual((await search.suggest(index, 'ele')).words, [{ text: 'Élève', count: 1 }])
      assert.equal((await search.suggest(index, 'ke', { limit: 1 })).words.length, 1)
      assert.deepEqual(await search.suggest(index, ' '), { words: [], titles: [] })
      await done(await search.delete(index, ['a', 'b']))
      assert.deepEqual(await search.suggest(index, 'ke'), { words: [{ text: 'keel', count: 1 }], titles: [] })
    },
  ),
  searchCase('multiSearch() answers several searches in their order', async ({ index, search, fill }) => {
    await fill(ships)
    const pages = await search.multiSearch([
      { index, text: 'keel', limit: 0 },
      { index, text: '', limit: 1 },
    ])
    assert.deepEqual(
      pages.map(({ total, hits }) => [total, hits.length]),
      [
        [4, 0],
        [5, 1],
      ],
    )
    assert.deepEqual(await search.multiSearch([]), [])
  }),
  searchCase('what is given and what is answered is the caller’s to change', async ({ index, search, found, done }) => {
    const fields: Record<string, FieldValue> = { text: 'keel', tags: ['oak'] }
    const task = await search.upsert(index, [{ id: 'a', fields }])
    fields.text = 'mast'
    await done(task)
    const { hits } = await search.search(index, { text: 'keel' })
    // A caller without types may write to it.
    for (const hit of hits) (hit.fields as Record<string, FieldValue>).text = 'mast'
    assert.deepEqual(await found('keel'), ['a'])
    assert.equal((await search.search(index, { text: 'keel' })).hits[0]?.fields.text, 'keel')
  }),
  searchCase('waitFor() stops when its signal aborts', async ({ index, search }) => {
    const task = await search.upsert(index, [text('a', 'keel')])
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(search.waitFor(task, { signal }), /enough/)
    await search.waitFor(task)
  }),
]

interface Bench {
  readonly search: Search
  /** The name of an empty index with `settings`. */
  readonly index: string
  done(task: SearchTask): Promise<void>
  /** Adds documents and waits for them. */
  fill(documents: readonly SearchDocument[]): Promise<void>
  /** The ids found, best first. */
  found(text: string, query?: Partial<DocumentQuery>): Promise<string[]>
}

function searchCase(name: string, run: (bench: Bench) => Promise<void>): SearchCase {
  return {
    name,
    async run(create) {
      const search = await create()
      const index = `case-${randomUUID()}`
      const done = (task: SearchTask) => search.waitFor(task)
      await done(await search.createIndex(index, settings))
      try {
        await run({
          search,
          index,
          done,
          fill: async (documents) => done(await search.upsert(index, documents)),
          found: async (words, query) =>
            (await search.search(index, { text: words, ...query })).hits.map((hit) => hit.id),
        })
      } finally {
        await done(await search.deleteIndex(index))
      }
    },
  }
}

function text(id: string, content: string): SearchDocument {
  return { id, fields: { text: content } }
}

async function refuses(code: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isError(error, code), code)
}

const ships: readonly SearchDocument[] = [
  {
    id: 'a',
    fields: { text: 'keel', type: 'md', pages: 3, isDraft: true, changed: new Date('2026-01-01'), tags: ['oak'] },
  },
  {
    id: 'b',
    fields: {
      text: 'keel',
      type: 'md',
      pages: 7.5,
      isDraft: false,
      changed: new Date('2026-02-01'),
      tags: ['oak', 'ship'],
    },
  },
  {
    id: 'c',
    fields: {
      text: 'keel',
      type: 'pdf',
      pages: 12,
      isDraft: false,
      changed: new Date('2026-03-01'),
      tags: ['ship', 'oak', 'oak'],
    },
  },
  { id: 'd', fields: { text: 'keel', type: 'txt', pages: 100 } },
  { id: 'e', fields: { text: 'mast' } },
]

const filterCases: readonly [filter: DocumentFilter, ids: readonly string[]][] = [
  [{ attribute: 'type', is: '=', value: 'md' }, ['a', 'b']],
  [{ attribute: 'type', is: '!=', value: 'md' }, ['c', 'd']],
  [{ attribute: 'type', is: 'in', values: ['md', 'txt'] }, ['a', 'b', 'd']],
  [{ attribute: 'type', is: 'in', values: [] }, []],
  [{ attribute: 'type', is: 'glob', glob: '{m,t}*' }, ['a', 'b', 'd']],
  [{ attribute: 'pages', is: '=', value: 7.5 }, ['b']],
  [{ attribute: 'pages', is: '<', value: 7.5 }, ['a']],
  [{ attribute: 'pages', is: '<=', value: 7.5 }, ['a', 'b']],
  [{ attribute: 'pages', is: '>', value: 7.5 }, ['c', 'd']],
  [{ attribute: 'pages', is: '>=', value: 7.5 }, ['b', 'c', 'd']],
  [{ attribute: 'isDraft', is: '=', value: false }, ['b', 'c']],
  [{ attribute: 'isDraft', is: '!=', value: true }, ['b', 'c', 'd']],
  [{ attribute: 'changed', is: '=', value: new Date('2026-02-01') }, ['b']],
  [{ attribute: 'changed', is: '>=', value: new Date('2026-02-01') }, ['b', 'c']],
  [{ attribute: 'changed', is: 'in', values: [new Date('2026-03-01')] }, ['c']],
  [{ attribute: 'tags', is: '=', value: 'ship' }, ['b', 'c']],
  [{ attribute: 'tags', is: '!=', value: 'ship' }, ['a', 'd']],
  [{ attribute: 'tags', is: 'in', values: ['oak', 'pine'] }, ['a', 'b', 'c']],
  [{ not: { attribute: 'pages', is: '>', value: 7.5 } }, ['a', 'b']],
  [{ and: [] }, ['a', 'b', 'c', 'd']],
  [{ or: [] }, []],
  [
    {
      and: [
        { attribute: 'tags', is: '=', value: 'oak' },
        {
          or: [
            { attribute: 'pages', is: '>', value: 10 },
            { attribute: 'isDraft', is: '=', value: true },
          ],
        },
      ],
    },
    ['a', 'c'],
  ],
]
