import { command, defineAdapter, defineContract, definePort, need, optional, query } from '@keelson/kernel'
import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../src/rest/http.ts'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { Greeter, greeter } from '../greeter.ts'
import { NotesV1, NotesV2, notesV1, notesV2 } from '../notes-versions.ts'

describe('types from contract to caller', () => {
  it('knows operations, inputs and outputs without a cast', async () => {
    const system = await startForTest({ services: [greeter] })
    const facade = system.get(Greeter)
    expectTypeOf(facade.greet)
      .parameter(0)
      .toEqualTypeOf<{ name: string; times?: number | undefined; loud?: boolean | undefined }>()
    expectTypeOf(facade.greet({ name: 'x' })).resolves.toEqualTypeOf<{ text: string }>()
    expectTypeOf(facade.count({ to: 1 })).toEqualTypeOf<AsyncIterable<{ n: number }>>()
    expectTypeOf(facade.ping()).resolves.toEqualTypeOf<void>()
    // @ts-expect-error misspelt operation
    facade.greeet({ name: 'x' })
    // @ts-expect-error wrong input
    facade.greet({ name: 1 })
    // @ts-expect-error missing input
    facade.greet()
    // @ts-expect-error unknown field
    facade.greet({ name: 'x', tmies: 2 })
  })

  it('refuses a contract that the system does not serve', async () => {
    const Other = defineContract('other', '1.0.0', { ping: query({}) })
    const system = await startForTest({ services: [greeter] })
    // @ts-expect-error no service of this system serves 'other'
    system.get(Other)
  })

  it('gives each major version of a contract its own operations', async () => {
    const system = await startForTest({ services: [notesV1, notesV2] })
    expectTypeOf(system.get(NotesV1).get({ id: 'x' })).resolves.toEqualTypeOf<{ text: string }>()
    expectTypeOf(system.get(NotesV2).get({ id: 'x' })).resolves.toEqualTypeOf<{ title: string; lines: string[] }>()
    // @ts-expect-error no operation of the first
    system.get(NotesV1).recent
    // @ts-expect-error no operation of the second any more
    system.get(NotesV2).old
    defineService(defineContract('both', '1.0.0', {}), {
      uses: { first: NotesV1, second: NotesV2 },
      start: ({ first, second }) => {
        expectTypeOf(first.old).toBeFunction()
        expectTypeOf(second.recent()).resolves.toEqualTypeOf<{ ids: string[] }>()
        return {}
      },
    })
  })

  it('gives a service the operations that it names in its uses, and no others', () => {
    defineService(defineContract('caller', '1.0.0', {}), {
      uses: { greeter: need(Greeter, ['greet']), maybe: optional(need(Greeter, ['count'])) },
      start: ({ greeter, maybe }) => {
        expectTypeOf(greeter.greet({ name: 'x' })).resolves.toEqualTypeOf<{ text: string }>()
        expectTypeOf(maybe.current?.count).not.toBeNever()
        // @ts-expect-error not named
        greeter.count
        return {}
      },
    })
    // @ts-expect-error no operation of the contract
    need(Greeter, ['shout'])
  })

  it('knows what an adapter is given and must provide', () => {
    const Words = definePort<{ readonly word: string }>('words')
    const Numbers = definePort<{ readonly number: number }>('numbers')
    const Count = defineContract('count', '1.0.0', { count: query({ output: z.object({ n: z.number() }) }) })
    defineAdapter({
      name: 'both',
      provides: { words: Words, numbers: Numbers },
      uses: { greeter: Greeter },
      start: ({ greeter }) => {
        expectTypeOf(greeter.ping()).resolves.toEqualTypeOf<void>()
        return { words: { word: 'keel' }, numbers: { number: 1 } }
      },
      contributes: (contribute) => [contribute(Count, ({ numbers }) => ({ count: () => ({ n: numbers.number }) }))],
      runner: {
        uses: { words: Words },
        start: ({ provided, words }) => {
          expectTypeOf(provided.numbers.number).toEqualTypeOf<number>()
          expectTypeOf(words.word).toEqualTypeOf<string>()
        },
      },
    })
    defineAdapter({
      name: 'half',
      provides: { words: Words, numbers: Numbers },
      // @ts-expect-error a port is missing
      start: () => ({ words: { word: '' } }),
    })
  })

  it('refuses implementations with too few or too many operations, or another result', () => {
    const Two = defineContract('two', '1.0.0', {
      a: query({ output: z.object({ n: z.number() }) }),
      b: command({ input: z.object({ n: z.number() }) }),
    })
    defineService(Two, { start: () => ({ a: () => ({ n: 1 }), b: ({ n }) => void n.toFixed() }) })
    // @ts-expect-error b is not implemented
    defineService(Two, { start: () => ({ a: () => ({ n: 1 }) }) })
    // @ts-expect-error c is not an operation
    defineService(Two, { start: () => ({ a: () => ({ n: 1 }), b: () => {}, c: () => {} }) })
    // @ts-expect-error a returns the wrong shape
    defineService(Two, { start: () => ({ a: () => ({ n: 'one' }), b: () => {} }) })
  })

  it('gives start typed dependencies and configuration', () => {
    const Own = defineContract('own', '1.0.0', { ping: query({}) })
    defineService(Own, {
      uses: { greeter: Greeter },
      config: z.object({ size: z.int().default(3) }),
      start: ({ greeter, config }) => {
        expectTypeOf(config).toEqualTypeOf<{ size: number }>()
        expectTypeOf(greeter.greet({ name: 'x' })).resolves.toEqualTypeOf<{ text: string }>()
        // @ts-expect-error misspelt operation of a dependency
        greeter.gret({ name: 'x' })
        return { ping: () => {} }
      },
    })
  })

  it('checks that a route names inputs of the operation', () => {
    const input = z.object({ id: z.string() })
    query({ input }, http('GET /v1/things/{id}'))
    // @ts-expect-error no input is called key
    query({ input }, http('GET /v1/things/{key}'))
    // @ts-expect-error no input is called content
    command({ input }, http('POST /v1/things', { body: 'content' }))
    // @ts-expect-error the output has no id
    command({ input, output: z.object({ n: z.int() }) }, http('POST /v1/things', { location: '/v1/things/{id}' }))
    // @ts-expect-error not a method
    http('FETCH /v1/things')
  })
})
