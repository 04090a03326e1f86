/** What every `SearchIndex` must pass, as data so that any test runner can run it. */
import assert from 'node:assert/strict'
import { isError } from '@keelson/kernel'
import type { SearchFilter } from '../query.ts'
import { historyQueries, randomHistory, randomNumbers, randomText } from './random-history.ts'
import type { SearchEntry, SearchIndex } from './search-index.ts'

export interface SearchIndexCase {
  readonly name: string
  /** @param create an empty index, each time anew. */
  run(create: () => SearchIndex): void
}

export const searchIndexConformance: readonly SearchIndexCase[] = [
  {
    name: 'upsert() makes entries found by title and by text',
    run(create) {
      const index = filled(create, { a: 'The keel carries the frames', b: 'Sails and rigging' })
      index.upsert([{ id: 'c', title: 'Anchors', text: 'hold in sand', attributes: {} }])
      assert.equal(index.size, 3)
      assert.deepEqual(found(index, 'frames'), ['a'])
      assert.deepEqual(found(index, 'anchors'), ['c'])
      assert.deepEqual(found(index, 'mast'), [])
    },
  },
  {
    name: 'upsert() replaces what is there under the same id, attributes included',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'keel' })
      index.upsert([entry('a', 'mast', { path: 'new.md' })])
      assert.equal(index.size, 2)
      assert.deepEqual(found(index, 'keel'), ['b'])
      assert.deepEqual(found(index, 'mast', [{ attribute: 'path', equals: 'new.md' }]), ['a'])
    },
  },
  {
    name: 'upsert() lets the last of equal ids win',
    run(create) {
      const index = create()
      index.upsert([entry('a', 'first'), entry('b', 'second'), entry('a', 'third')])
      assert.equal(index.size, 2)
      assert.deepEqual(found(index, 'first'), [])
      assert.deepEqual(found(index, 'third'), ['a'])
    },
  },
  {
    name: 'upsert() of nothing changes nothing',
    run(create) {
      const index = filled(create, { a: 'keel' })
      index.upsert([])
      assert.equal(index.size, 1)
      assert.deepEqual(found(index, 'keel'), ['a'])
    },
  },
  {
    name: 'upsert() takes an entry without any text',
    run(create) {
      const index = create()
      index.upsert([{ id: '', title: '', text: '', attributes: {} }])
      assert.equal(index.size, 1)
      assert.deepEqual(found(index, 'keel'), [])
      index.remove([''])
      assert.equal(index.size, 0)
    },
  },
  {
    name: 'remove() takes entries out, and an unknown id is nothing',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'keel', c: 'mast' })
      index.remove(['a', 'nowhere', 'a'])
      assert.equal(index.size, 2)
      assert.deepEqual(found(index, 'keel'), ['b'])
      index.remove(['b', 'c'])
      assert.equal(index.size, 0)
      assert.deepEqual(index.search({ text: 'keel mast', limit: 10 }), { hits: [], total: 0, terms: [] })
      index.upsert([entry('a', 'keel again')])
      assert.deepEqual(found(index, 'keel'), ['a'])
    },
  },
  {
    name: 'search() matches any word and ranks more and rarer words higher',
    run(create) {
      const index = filled(create, {
        both: 'keel and anchor',
        common: 'keel of oak',
        another: 'keel of pine',
        rare: 'anchor of iron',
      })
      assert.deepEqual(found(index, 'keel anchor'), ['both', 'rare', 'another', 'common'])
    },
  },
  {
    name: 'search() ranks a text higher when a word stands in it more often, or the text is shorter',
    run(create) {
      const index = filled(create, {
        often: 'keel keel keel pine oak elm',
        once: 'keel beech pine oak elm ash',
        short: 'keel beech',
      })
      const ranked = found(index, 'keel')
      assert.ok(ranked.indexOf('often') < ranked.indexOf('once'))
      assert.ok(ranked.indexOf('short') < ranked.indexOf('once'))
    },
  },
  {
    name: 'search() gives scores above zero, best first, even for a word that every entry holds',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'keel keel oak', c: 'keel mast sail rope' })
      const scores = index.search({ text: 'keel', limit: 10 }).hits.map((hit) => hit.score)
      assert.equal(scores.length, 3)
      assert.ok(scores.every((score) => score > 0))
      assert.deepEqual(
        scores,
        scores.toSorted((one, other) => other - one),
      )
    },
  },
  {
    name: 'search() orders equal scores by id',
    run(create) {
      const index = create()
      for (const id of ['m', 'z', 'a', 'Z', '10', '9', 'é', '\u{1F600}', '\u{FF5E}']) index.upsert([entry(id, 'keel')])
      assert.deepEqual(found(index, 'keel', [], 100), ['10', '9', 'Z', 'a', 'm', 'z', 'é', '\u{1F600}', '\u{FF5E}'])
      assert.deepEqual(found(index, 'keel', [], 3), ['10', '9', 'Z'])
    },
  },
  {
    name: 'search() finds other forms of an English word',
    run(create) {
      const index = filled(create, { a: 'indexing documents', b: "the ship's keels", c: 'He doesn’t know' })
      assert.deepEqual(found(index, 'indexed document'), ['a'])
      assert.deepEqual(found(index, 'SHIP keel'), ['b'])
      assert.deepEqual(found(index, 'ships’'), ['b'])
    },
  },
  {
    name: 'search() lets stop words ask only when there is nothing else',
    run(create) {
      const index = filled(create, { hamlet: 'To be, or not to be', ship: 'The keel is to be laid', other: 'Frames' })
      assert.deepEqual(found(index, 'to be or not to be'), ['hamlet', 'ship'])
      assert.deepEqual(found(index, 'to be the keel'), ['ship'])
    },
  },
  {
    name: 'search() finds nothing for a query without letters and digits',
    run(create) {
      const index = filled(create, { a: 'keel' })
      for (const text of ['', '   ', '\n\t', '"', '***', '?!', '😀', '\ud800', '\u0000', '()[]{}']) {
        assert.deepEqual(index.search({ text, limit: 10 }), { hits: [], total: 0, terms: [] })
      }
    },
  },
  {
    name: 'search() reads quotes and operators as what stands around words',
    run(create) {
      const index = filled(create, { a: 'keel and mast', b: 'sail' })
      const queries = [
        '"keel"',
        '+keel -',
        'keel*',
        'keel OR',
        '(keel',
        'title:keel',
        "keel'; DROP TABLE x; --",
        '\u0000keel\ud800',
        '<keel>',
      ]
      for (const text of queries) assert.ok(found(index, text).includes('a'), text)
    },
  },
  {
    name: 'search() finds words of many scripts',
    run(create) {
      const index = filled(create, {
        zh: '如何安装搜索引擎？',
        ja: '東京タワーに行きました。',
        ko: '한국어를 배우고 있어요',
        ru: 'Корабль плывёт по морю',
        ar: 'السفينة في البحرُ',
        el: 'Η ΝΑΥΣ της θάλασσας',
        hi: 'जहाज समुद्र में है',
        de: 'Die Straße ist groß',
        fr: 'L’élève naïf au café',
      })
      const expected: Readonly<Record<string, string>> = {
        安装: 'zh',
        引擎: 'zh',
        搜: 'zh',
        タワー: 'ja',
        ﾀﾜｰ: 'ja',
        한국어: 'ko',
        КОРАБЛЬ: 'ru',
        плывет: 'ru',
        البحر: 'ar',
        ναυς: 'el',
        θαλασσας: 'el',
        समुद्र: 'hi',
        STRASSE: 'de',
        eleve: 'fr',
        'CAFE\u0301': 'fr',
      }
      for (const [query, id] of Object.entries(expected)) assert.deepEqual(found(index, query), [id], query)
    },
  },
  {
    name: 'search() finds identifiers whole and by their parts',
    run(create) {
      const index = filled(create, {
        camel: 'call fooBar() first',
        snake: 'set foo_bar to 1',
        file: 'see foo-bar.ts',
        number: 'COVID-19 in 2024',
        prose: 'a bar of chocolate',
      })
      assert.deepEqual(found(index, 'foobar').toSorted(), ['camel', 'snake'])
      assert.deepEqual(found(index, 'foo').toSorted(), ['camel', 'file', 'snake'])
      assert.equal(found(index, 'foo-bar.ts')[0], 'file')
      assert.deepEqual(found(index, 'fooBar').slice(0, 2).toSorted(), ['camel', 'snake'])
      assert.deepEqual(found(index, 'covid19'), ['number'])
      assert.deepEqual(found(index, 'covid'), ['number'])
    },
  },
  {
    name: 'search() answers a query of 10,000 characters',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'mast' })
      assert.deepEqual(found(index, `${'word '.repeat(1_999)}keel`), ['a'])
      assert.deepEqual(found(index, 'x'.repeat(10_000)), [])
      assert.deepEqual(found(index, `${"a'".repeat(5_000)}`), [])
    },
  },
  {
    name: 'search() wants what stands between quotation marks as a phrase',
    run(create) {
      const index = filled(create, {
        phrase: 'a false keel below the keel of the ship',
        apart: 'the keel is not false, the ship is',
        turned: 'keel false',
        plural: 'two false keels',
        other: 'mast',
      })
      assert.deepEqual(found(index, '"false keel"').toSorted(), ['phrase', 'plural'])
      assert.deepEqual(found(index, '“false keel” mast').toSorted(), ['phrase', 'plural'])
      assert.deepEqual(found(index, '"keel of the ship"'), ['phrase'])
      assert.deepEqual(found(index, '"keel of a ship"'), [])
      assert.deepEqual(found(index, '"false keel" "the ship"'), ['phrase'])
      assert.deepEqual(found(index, '"false mast"'), [])
      assert.deepEqual(found(index, '"of the"'), ['phrase'])
      assert.equal(index.search({ text: '"false keel"', limit: 0 }).total, 2)
    },
  },
  {
    name: 'search() finds no phrase across title and text',
    run(create) {
      const index = create()
      index.upsert([
        { id: 'across', title: 'false', text: 'keel', attributes: {} },
        { id: 'within', title: 'mast', text: 'false keel', attributes: {} },
        { id: 'titled', title: 'false keel', text: '', attributes: {} },
      ])
      assert.deepEqual(found(index, '"false keel"').toSorted(), ['titled', 'within'])
    },
  },
  {
    name: 'search() puts phrases first, and equal titles before them',
    run(create) {
      const filler = 'oak pine elm ash beech '.repeat(40)
      const index = create()
      index.upsert([
        { id: 'many', title: 'keel keel false', text: 'keel keel false false', attributes: {} },
        { id: 'phrase', title: '', text: `${filler} a false keel ${filler}`, attributes: {} },
        { id: 'title', title: 'False keels', text: filler.repeat(3), attributes: {} },
        { id: 'longer', title: 'A false keel of oak', text: '', attributes: {} },
        { id: 'one', title: 'Keel', text: filler, attributes: {} },
      ])
      assert.deepEqual(found(index, 'false keel'), ['title', 'longer', 'phrase', 'many', 'one'])
      assert.equal(found(index, 'the false keel')[0], 'longer')
      assert.equal(found(index, 'keel')[0], 'one')
    },
  },
  {
    name: 'search() puts what holds the identifier asked for first',
    run(create) {
      const filler = 'oak pine elm ash beech '.repeat(40)
      const texts: Readonly<Record<string, [holder: string, parts: string]>> = {
        fooBarBaz: ['call fooBarBaz()', 'foo bar. baz foo, bar foo'],
        snake_case_name: ['set snake_case_name', 'snake name case snake case'],
        DOCUMENTS_FILE_TOO_LARGE: [
          'DOCUMENTS_FILE_TOO_LARGE is raised',
          'documents: a file is large, documents too large',
        ],
        'search.createIndex': ['see search.createIndex', 'search index create search index'],
        'C++': ['in C++, too', 'c c c'],
        '24.21.0-beta.3': ['since 24.21.0-beta.3', 'beta 3 of beta 3, 24.21.0'],
        'src/domain/read-file.ts': ['in src/domain/read-file.ts', 'src src read domain, file ts domain'],
      }
      for (const [identifier, [holder, parts]] of Object.entries(texts)) {
        const index = filled(create, { holder: `${filler} ${holder} ${filler}`, parts, other: 'mast' })
        assert.deepEqual(found(index, identifier), ['holder', 'parts'], identifier)
        assert.equal(found(index, `the ${identifier}`)[0], 'holder', identifier)
      }
      const index = filled(create, {
        holder: `${filler} DOCUMENTS_FILE_TOO_LARGE ${filler}`,
        parts: 'what to do: documents too large, file too large, a large file of documents',
        both: `${filler} DOCUMENTS_FILE_TOO_LARGE ${filler} readFile ${filler}`,
      })
      const asking = 'what to do about DOCUMENTS_FILE_TOO_LARGE'
      assert.deepEqual(found(index, asking), ['holder', 'both', 'parts'])
      assert.equal(found(index, `${asking} in readFile()`)[0], 'both')
    },
  },
  {
    name: 'search() finds phrases in scripts without spaces',
    run(create) {
      const index = filled(create, { zh: '如何安装搜索引擎？', apart: '引擎安装，搜索', ja: '東京タワーに行きました' })
      assert.deepEqual(found(index, '"安装搜索引擎"'), ['zh'])
      assert.equal(found(index, '安装搜索引擎')[0], 'zh')
      assert.deepEqual(found(index, '"東京タワー"'), ['ja'])
    },
  },
  {
    name: 'search() takes a word that no entry holds for a misspelling, unless told not to',
    run(create) {
      const index = filled(create, {
        a: 'the anchor holds',
        b: 'indexing documents',
        c: 'Straße',
        d: 'корабль',
        e: 'v24 p53',
      })
      const typed: Readonly<Record<string, string[]>> = {
        anchr: ['a'],
        ancohr: ['a'],
        anchorr: ['a'],
        anchot: ['a'],
        indexng: ['b'],
        dcoumetns: ['b'],
        strasse: ['c'],
        strase: ['c'],
        карабль: ['d'],
        nachor: [],
        enchor: [],
        anhcr: [],
        hods: ['a'],
        p54: [],
        v25: [],
      }
      for (const [text, ids] of Object.entries(typed)) {
        assert.deepEqual(found(index, text), ids, text)
        const never = index.search({ text, limit: 10, typos: 'never' }).total
        assert.equal(never, text === 'strasse' ? 1 : 0, text)
      }
    },
  },
  {
    name: 'search() does not look for misspellings of a word that is there, unless there are few hits',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'kell kell kell' })
      assert.deepEqual(found(index, 'keel'), ['a'])
      const { hits, terms } = index.search({ text: 'keel', limit: 10, typos: 'few hits' })
      assert.deepEqual(
        hits.map((hit) => hit.id),
        ['a', 'b'],
      )
      assert.deepEqual(terms, ['keel', 'kell'])
      index.remove(['a'])
      assert.deepEqual(found(index, 'keel'), ['b'])
    },
  },
  {
    name: 'search() completes the word that a query ends with, when asked to',
    run(create) {
      const index = filled(create, { whole: 'keel', longer: 'keelson', other: 'the mast', typo: 'kegl' })
      const typing = (text: string) =>
        index.search({ text, limit: 10, prefix: true, typos: 'few hits' }).hits.map((hit) => hit.id)
      assert.deepEqual(typing('kee'), ['whole', 'longer'].toSorted())
      assert.deepEqual(typing('keel'), ['whole', 'longer', 'typo'])
      assert.deepEqual(typing('m'), ['other'])
      assert.deepEqual(typing('keel ma'), ['whole', 'other', 'typo'])
      assert.deepEqual(typing('mas '), [])
      assert.deepEqual(found(index, 'kee'), [])
    },
  },
  {
    name: 'search() says how each score came about, when asked to',
    run(create) {
      const index = create()
      index.upsert([
        { id: 'a', title: 'Keel', text: 'The keel, a false keel', attributes: {} },
        { id: 'b', title: 'Mast', text: 'false oak', attributes: {} },
      ])
      const query = { text: 'false keels', limit: 10 }
      const { hits } = index.search({ ...query, explain: true })
      assert.deepEqual(
        hits.map(({ id, score, boost }) => ({ id, score, boost })),
        index.search(query).hits,
      )
      const [first, second] = hits.map((hit) => hit.explanation)
      assert.deepEqual(
        first?.words.map(({ word, term, match, frequency }) => ({ word, term, match, frequency })),
        [
          { word: 'false', term: 'fals', match: 'exact', frequency: { title: 0, text: 1 } },
          { word: 'keels', term: 'keel', match: 'exact', frequency: { title: 1, text: 2 } },
        ],
      )
      assert.deepEqual(
        first?.exact.map(({ kind }) => kind),
        ['phrase'],
      )
      assert.deepEqual(second?.exact, [])
      assert.equal(first?.length, 4)
      assert.equal(second?.averageLength, 3.5)
      for (const [number, hit] of hits.entries()) {
        const parts = [...(hit.explanation?.words ?? []), ...(hit.explanation?.exact ?? [])]
        const total = parts.reduce((sum, part) => sum + part.score, 0)
        assert.ok(Math.abs(total - hit.score) < 1e-9, `hit ${number}: ${total} is not ${hit.score}`)
        assert.equal(hit.explanation?.score, hit.score)
      }
    },
  },
  {
    name: 'search() filters by equal values',
    run(create) {
      const index = withPaths(create)
      assert.deepEqual(found(index, 'keel', [{ attribute: 'type', equals: 'md' }]), ['a', 'b'])
      assert.deepEqual(found(index, 'keel', [{ attribute: 'type', equals: 'm' }]), [])
      assert.deepEqual(found(index, 'keel', [{ attribute: 'colour', equals: '' }]), [])
    },
  },
  {
    name: 'search() filters by glob, names that begin with a dot included',
    run(create) {
      const index = withPaths(create)
      const byGlob = (glob: string) => found(index, 'keel', [{ attribute: 'path', glob }])
      assert.deepEqual(byGlob('guides/**'), ['a', 'b', 'd'])
      assert.deepEqual(byGlob('guides/*'), ['a'])
      assert.deepEqual(byGlob('**/*.{md,txt}'), ['a', 'b', 'c', 'd'])
      assert.deepEqual(byGlob('guides/.hidden/?.txt'), ['d'])
      assert.deepEqual(byGlob('guides'), [])
      assert.deepEqual(byGlob('keel.md'), [])
    },
  },
  {
    name: 'search() filters by values that are at least so great',
    run(create) {
      const index = withPaths(create)
      const atLeast = (bound: string) => found(index, 'keel', [{ attribute: 'path', atLeast: bound }])
      assert.deepEqual(atLeast(''), ['a', 'b', 'c', 'd'])
      assert.deepEqual(atLeast('z'), [])
      assert.deepEqual(atLeast('guides/keel.md'), ['a', 'c'])
    },
  },
  {
    name: 'search() wants all filters to hold, and an entry without the attribute fails',
    run(create) {
      const index = withPaths(create)
      const both: SearchFilter[] = [
        { attribute: 'path', glob: 'guides/**' },
        { attribute: 'type', equals: 'txt' },
      ]
      assert.deepEqual(found(index, 'keel', both), ['d'])
      assert.deepEqual(found(index, 'keel', [{ attribute: 'path', glob: '**' }]), ['a', 'b', 'c', 'd'])
      assert.deepEqual(index.search({ text: 'keel', filters: both, limit: 0 }), { hits: [], total: 1, terms: ['keel'] })
    },
  },
  {
    name: 'search() leaves out what is not accepted, and asks about nothing that does not match',
    run(create) {
      const index = withPaths(create)
      index.upsert([entry('f', 'mast')])
      const asked = new Set<string>()
      const accepts = (id: string) => {
        asked.add(id)
        return id !== 'b' && id !== 'e'
      }
      const filters: SearchFilter[] = [{ attribute: 'path', glob: 'guides/**' }]
      const { hits, total } = index.search({ text: 'keel', limit: 1, accepts })
      assert.equal(hits[0]?.id, 'a')
      assert.equal(total, 3)
      assert.deepEqual([...asked].sort(), ['a', 'b', 'c', 'd', 'e'])
      assert.equal(index.search({ text: 'keel', limit: 0, filters, accepts }).total, 2)
    },
  },
  {
    name: 'search() counts the values of attributes among all that matches',
    run(create) {
      const index = withPaths(create)
      const counted = (filters: SearchFilter[]) =>
        index.search({ text: 'keel', limit: 1, filters, facets: ['type', 'colour', '__proto__'] }).facets
      assert.deepEqual(Object.entries(counted([]) ?? {}), [
        [
          'type',
          [
            { value: 'md', count: 2 },
            { value: 'txt', count: 2 },
          ],
        ],
        ['colour', []],
        ['__proto__', []],
      ])
      index.remove(['a'])
      assert.deepEqual(counted([{ attribute: 'path', glob: 'guides/**' }])?.type, [
        { value: 'md', count: 1 },
        { value: 'txt', count: 1 },
      ])
      assert.equal(index.search({ text: 'keel', limit: 1 }).facets, undefined)
    },
  },
  {
    name: 'search() takes statistics from all entries, whatever the filter',
    run(create) {
      const index = withPaths(create)
      const all = index.search({ text: 'keel', limit: 10 }).hits
      const some = index.search({ text: 'keel', limit: 10, filters: [{ attribute: 'type', equals: 'md' }] }).hits
      assert.deepEqual(
        some,
        all.filter(({ id }) => id === 'a' || id === 'b'),
      )
    },
  },
  {
    name: 'search() gives pages that neither overlap nor leave gaps, and the total with each',
    run(create) {
      const random = randomNumbers(7)
      const index = create()
      index.upsert(
        Array.from({ length: 57 }, (_, number) => entry(`id-${number}`, randomText(random, 1 + (number % 9)))),
      )
      const text = 'keel mast sail'
      const all = index.search({ text, limit: 1_000 })
      assert.equal(all.total, all.hits.length)
      for (const limit of [1, 7, 10]) {
        const pages = []
        for (let offset = 0; offset < all.total; offset += limit) {
          const page = index.search({ text, limit, offset })
          assert.equal(page.total, all.total)
          pages.push(...page.hits)
        }
        assert.deepEqual(pages, all.hits)
      }
      assert.deepEqual(index.search({ text, limit: 10, offset: 1_000 }), { ...all, hits: [] })
      assert.deepEqual(index.search({ text, limit: Number.MAX_SAFE_INTEGER, offset: 1 }).hits, all.hits.slice(1))
    },
  },
  {
    name: 'search() with limit 0 gives the total alone',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'keel', c: 'mast' })
      assert.deepEqual(index.search({ text: 'keel', limit: 0 }), { hits: [], total: 2, terms: ['keel'] })
      assert.deepEqual(index.search({ text: 'keel', limit: 0, offset: 5 }), { hits: [], total: 2, terms: ['keel'] })
    },
  },
  {
    name: 'search() refuses limits, offsets and globs that make no sense with SEARCH_QUERY_INVALID',
    run(create) {
      const index = filled(create, { a: 'keel' })
      const refuses = (query: { limit?: number; offset?: number; filters?: SearchFilter[] }) =>
        assert.throws(
          () => index.search({ text: 'keel', limit: 10, ...query }),
          (error) => isError(error, 'SEARCH_QUERY_INVALID'),
        )
      for (const limit of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) refuses({ limit })
      for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) refuses({ offset })
      for (const glob of ['', '[a', '{a,b', '[z-a]']) refuses({ filters: [{ attribute: 'path', glob }] })
      refuses({ limit: 0, filters: [{ attribute: 'path', glob: '[' }] })
    },
  },
  {
    name: 'search() depends on what the index holds, not on how it came to hold it',
    run(create) {
      for (let seed = 1; seed <= 12; seed++) {
        const { index, entries } = randomHistory(create, seed)
        const fresh = create()
        fresh.upsert([...entries.values()])
        assert.equal(index.size, entries.size)
        for (const query of historyQueries) assert.deepEqual(index.search(query), fresh.search(query), `seed ${seed}`)
      }
    },
  },
  {
    name: 'snapshot() changes nothing, and is not empty',
    run(create) {
      const index = filled(create, { a: 'keel', b: 'mast' })
      assert.ok(index.snapshot('change 7').length > 0)
      assert.ok(create().snapshot('').length > 0)
      assert.deepEqual(found(index, 'keel'), ['a'])
    },
  },
]

function entry(id: string, text: string, attributes: Readonly<Record<string, string>> = {}): SearchEntry {
  return { id, title: '', text, attributes }
}

function filled(create: () => SearchIndex, texts: Readonly<Record<string, string>>): SearchIndex {
  const index = create()
  index.upsert(Object.entries(texts).map(([id, text]) => entry(id, text)))
  return index
}

function withPaths(create: () => SearchIndex): SearchIndex {
  const index = create()
  index.upsert([
    entry('a', 'keel', { path: 'guides/keel.md', type: 'md' }),
    entry('b', 'keel', { path: 'guides/deep/down/keel.md', type: 'md' }),
  ])
  index.upsert([
    entry('c', 'keel', { path: 'notes.txt', type: 'txt' }),
    entry('d', 'keel', { path: 'guides/.hidden/k.txt', type: 'txt' }),
    entry('e', 'keel'),
  ])
  return index
}

function found(index: SearchIndex, text: string, filters: readonly SearchFilter[] = [], limit = 100): string[] {
  return index.search({ text, filters, limit }).hits.map((hit) => hit.id)
}
