import { describe, expect, it } from 'vitest'
import { createInMemorySearch } from '../../src/search/in-memory-search.ts'
import { randomNumbers, randomText } from '../../src/search/random-history.ts'
import { searchConformance } from '../../src/search/search.conformance.ts'

describe('createInMemorySearch()', () => {
  for (const { name, run } of searchConformance) it(name, () => run(createInMemorySearch))
})

describe('search()', () => {
  it('answers alike whether the engine can filter by itself or not', async () => {
    const random = randomNumbers(11)
    const search = createInMemorySearch()
    await search.createIndex('all', { title: 'title', text: ['text'], attributes: { type: 'string', shelf: 'string' } })
    const one = (values: readonly string[]) => values[Math.floor(random() * values.length)] ?? ''
    const documents = Array.from({ length: 300 }, (_, number) => ({
      id: `id-${number}`,
      fields: {
        title: randomText(random, 2),
        text: randomText(random, number % 13),
        type: one(['md', 'pdf', 'txt']),
        ...(random() < 0.7 && { shelf: one(['a/b', 'a/c', 'd']) }),
      },
    }))
    await search.waitFor(await search.upsert('all', documents))
    for (const text of ['keel', 'mast anchr', 'sail ro', '"keel mast"', 'zzzz']) {
      for (const filter of [
        { attribute: 'type', is: '=', value: 'md' },
        { attribute: 'shelf', is: 'glob', glob: 'a/*' },
        {
          and: [
            { attribute: 'type', is: '=', value: 'pdf' },
            { attribute: 'shelf', is: '=', value: 'd' },
          ],
        },
      ] as const) {
        const facets = [{ attribute: 'type', withoutOwnFilter: true }, { attribute: 'shelf' }]
        const query = { text, facets, highlight: { before: '[', after: ']' }, explain: true, limit: 7, offset: 2 }
        const byEngine = await search.search('all', { ...query, filter })
        const one = 'and' in filter ? { and: filter.and.map((inner) => ({ or: [inner] })) } : { or: [filter] }
        expect(await search.search('all', { ...query, filter: one })).toEqual(byEngine)
      }
    }
  })

  it('applies changes in their order, one after the other, while others wait', async () => {
    const search = createInMemorySearch()
    await search.createIndex('all', { text: ['text'] })
    const many = Array.from({ length: 1_000 }, (_, number) => ({ id: `${number}`, fields: { text: 'keel' } }))
    const replaced = await search.replaceAll('all', many)
    const emptied = await search.deleteBy('all', { and: [] })
    const filled = await search.upsert('all', many.slice(0, 3))
    await search.waitFor(filled)
    await Promise.all([replaced, emptied].map((task) => search.waitFor(task)))
    expect((await search.search('all', { text: '' })).total).toBe(3)
  })
})
