import { describe, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import {
  type CallParameters,
  type CallResult,
  cli,
  command,
  defineAnnotation,
  defineContract,
  type EventOf,
  errorsOf,
  type Handler,
  isContractError,
  type KeelsonError,
  type OperationShape,
  progress,
  query,
  subscription,
} from '../../src/index.ts'

const Input = z.object({ query: z.string(), limit: z.number().default(10) })
const Output = z.object({ hits: z.array(z.string()), total: z.number().default(0) })
interface Options {
  readonly timeoutMs?: number
}
interface Call {
  readonly signal: AbortSignal
}

const search = query({ input: Input, output: Output })
const clear = command({})
const ping = query({ output: z.object({ at: z.number() }) })
const remove = command({ input: z.object({ id: z.string() }) })
const changes = subscription({ input: z.object({ since: z.number().default(0) }), output: Output })

describe('CallParameters', () => {
  test('are what callers give: values with a default may be left out', () => {
    expectTypeOf<CallParameters<typeof search, Options>>().toEqualTypeOf<
      [input: { query: string; limit?: number | undefined }, options?: Options]
    >()
  })

  test('of an operation without input may be left out', () => {
    expectTypeOf<CallParameters<typeof clear, Options>>().toEqualTypeOf<[input?: undefined, options?: Options]>()
    expectTypeOf<[]>().toExtend<CallParameters<typeof ping, Options>>()
    expectTypeOf<[]>().not.toExtend<CallParameters<typeof search, Options>>()
  })
})

describe('CallResult', () => {
  test('is what callers get: defaults filled in', () => {
    expectTypeOf<CallResult<typeof search>>().toEqualTypeOf<Promise<{ hits: string[]; total: number }>>()
  })

  test('of an operation without output is nothing', () => {
    expectTypeOf<CallResult<typeof remove>>().toEqualTypeOf<Promise<void>>()
  })

  test('of a subscription is a series of items', () => {
    expectTypeOf<CallResult<typeof changes>>().toEqualTypeOf<AsyncIterable<{ hits: string[]; total: number }>>()
  })
})

describe('Handler', () => {
  test('is given parsed input and may return unparsed output, at once or later', () => {
    type Wrote = { hits: string[]; total?: number | undefined }
    expectTypeOf<Parameters<Handler<typeof search, Call>>>().toEqualTypeOf<
      [input: { query: string; limit: number }, call: Call]
    >()
    expectTypeOf<ReturnType<Handler<typeof search, Call>>>().toEqualTypeOf<Wrote | Promise<Wrote>>()
  })

  test('may take fewer parameters than there are', () => {
    expectTypeOf<() => void>().toExtend<Handler<typeof clear, Call>>()
    expectTypeOf<({ id }: { id: string }) => Promise<void>>().toExtend<Handler<typeof remove, Call>>()
    expectTypeOf<({ id }: { id: number }) => void>().not.toExtend<Handler<typeof remove, Call>>()
  })

  test('of a subscription gives a series, not a promise', () => {
    expectTypeOf<() => AsyncIterable<{ hits: string[] }>>().toExtend<Handler<typeof changes, Call>>()
    expectTypeOf<() => Promise<{ hits: string[] }>>().not.toExtend<Handler<typeof changes, Call>>()
  })
})

describe('defineContract()', () => {
  test('keeps the name and the operations in its type', () => {
    const contract = defineContract('text', '1.0.0', { search, clear })
    expectTypeOf(contract.name).toEqualTypeOf<'text'>()
    expectTypeOf(contract.operations.search).toEqualTypeOf<typeof search>()
    expectTypeOf<keyof typeof contract.operations>().toEqualTypeOf<'search' | 'clear'>()
  })

  test('takes no operation named like a word of the facade', () => {
    // @ts-expect-error `health` is a word of the facade
    defineContract('text', '1.0.0', { search, health: query({}) })
    // @ts-expect-error `status` is a word of the facade
    defineContract('text', '1.0.0', { status: command({}), search })
  })
})

describe('annotations', () => {
  const kind = defineAnnotation<string>('test-types')
  /** Stands on queries whose input has an `id`. */
  const byId = () => kind.on<OperationShape<'query', { id: string }, unknown>>('by id')

  test('stand on operations of their shape', () => {
    query({ input: z.object({ id: z.string(), more: z.number() }) }, byId())
    query({ input: Input, output: Output }, cli({ usage: 'search <query>', text: ({ hits }) => hits.join('\n') }))
    subscription(
      { output: z.object({ done: z.number() }) },
      progress(({ done }) => ({ done, total: 1, label: '' })),
    )
  })

  test('do not stand on others', () => {
    // @ts-expect-error the input has no `id`
    query({ input: Input }, byId())
    // @ts-expect-error a command is not a query
    command({ input: z.object({ id: z.string() }) }, byId())
    // @ts-expect-error without input there is no `id`
    query({}, byId())
    const bar = progress(({ done }: { done: number }) => ({ done, total: 1, label: '' }))
    // @ts-expect-error only subscriptions have progress
    query({ output: z.object({ done: z.number() }) }, bar)
    // @ts-expect-error the output has no `missing`
    query({ output: Output }, cli({ usage: 'search', text: ({ missing }: { missing: string }) => missing }))
  })
})

describe('declared errors', () => {
  const take = command({
    input: z.object({ id: z.string() }),
    errors: {
      NOT_FOUND: z.object({ id: z.string() }),
      STOCK_CONFLICT: { kind: 'conflict', details: z.object({ left: z.number() }) },
      LOCKED: { kind: 'unavailable' },
    },
  })

  test('are typed where they are caught', () => {
    const error: unknown = undefined
    if (isContractError(error, take, 'STOCK_CONFLICT')) {
      expectTypeOf(error.code).toEqualTypeOf<'STOCK_CONFLICT'>()
      expectTypeOf(error.details).toEqualTypeOf<{ left: number }>()
      expectTypeOf(error.message).toEqualTypeOf<string>()
    }
    if (isContractError(error, take) && error.code === 'NOT_FOUND')
      expectTypeOf(error.details).toEqualTypeOf<{ id: string }>()
    // @ts-expect-error not declared
    isContractError(error, take, 'GONE')
    // @ts-expect-error this operation declares none
    isContractError(error, search, 'NOT_FOUND')
  })

  test('are typed where they are made', () => {
    const { NOT_FOUND, LOCKED } = errorsOf(take)
    expectTypeOf(NOT_FOUND({ id: '7' })).toEqualTypeOf<KeelsonError>()
    LOCKED()
    // @ts-expect-error the details are asked for
    NOT_FOUND()
    // @ts-expect-error of another type
    NOT_FOUND({ id: 7 })
  })

  test('are not of kinds that callers never see', () => {
    // @ts-expect-error the details of an internal error stay in the process
    query({ errors: { BROKEN: { kind: 'internal' } } })
  })
})

describe('events', () => {
  test('carry what their schemas say', () => {
    const notes = defineContract('notes', '1.0.0', {}, { events: { NoteAdded: z.object({ at: z.iso.datetime() }) } })
    expectTypeOf<EventOf<typeof notes, 'NoteAdded'>>().toEqualTypeOf<{ at: string }>()
    const plain = defineContract('plain', '1.0.0', {})
    expectTypeOf<keyof typeof plain.events>().toEqualTypeOf<never>()
  })
})
