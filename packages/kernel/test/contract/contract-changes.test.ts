import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  type Contract,
  command,
  contractChanges,
  contractsDocument,
  defineContract,
  type Operations,
  parseContractsDocument,
  query,
  type Schema,
} from '../../src/index.ts'

const Note = z.object({ id: z.string(), title: z.string() })
const get = query({
  input: z.object({ id: z.string() }),
  output: Note,
  errors: { NOT_FOUND: z.object({ id: z.string() }) },
})

function notes(version: string, operations: Operations, events: Readonly<Record<string, Schema>> = {}): Contract {
  return defineContract('notes', version, operations as Record<string, never>, { events })
}

const exported = (...contracts: Contract[]) =>
  parseContractsDocument(JSON.parse(JSON.stringify(contractsDocument(contracts))))

function between(before: Contract, after: Contract): string[] {
  return contractChanges(exported(before), exported(after)).map(
    ({ path, isBreaking, isAnnounced }) => `${isAnnounced ? 'announced' : isBreaking ? 'breaking' : 'safe'} ${path}`,
  )
}

describe('contractChanges()', () => {
  test('finds nothing between equal contracts', () => {
    expect(between(notes('1.0.0', { get }), notes('1.0.1', { get }))).toEqual([])
  })

  test.each<[string, Operations, Operations, string[]]>([
    ['an operation that is gone', { get }, {}, ['breaking get']],
    ['a new operation', { get }, { get, add: command({ input: Note }) }, ['safe add']],
    ['another kind', { get: query({}) }, { get: command({}) }, ['breaking get']],
    [
      'an input that is asked for',
      { get: query({ input: z.object({ a: z.string().optional() }) }) },
      { get: query({ input: z.object({ a: z.string() }) }) },
      ['breaking get.input.a'],
    ],
    [
      'an input that may be given',
      { get: query({ input: z.object({}) }) },
      { get: query({ input: z.object({ a: z.string().optional() }) }) },
      ['safe get.input.a'],
    ],
    [
      'a wider input',
      { get: query({ input: z.object({ a: z.enum(['x']) }) }) },
      { get: query({ input: z.object({ a: z.enum(['x', 'y']) }) }) },
      ['safe get.input.a'],
    ],
    [
      'a wider output',
      { get: query({ output: z.object({ a: z.enum(['x']) }) }) },
      { get: query({ output: z.object({ a: z.enum(['x', 'y']) }) }) },
      ['breaking get.output.a'],
    ],
    [
      'a narrower output',
      { get: query({ output: z.object({ a: z.string().optional() }) }) },
      { get: query({ output: z.object({ a: z.string() }) }) },
      ['safe get.output.a'],
    ],
    [
      'an output field that is gone and one that is new',
      { get: query({ output: z.object({ a: z.string() }) }) },
      { get: query({ output: z.object({ b: z.string() }) }) },
      ['breaking get.output.a', 'safe get.output.b'],
    ],
    ['no input any more', { get: query({ input: Note }) }, { get: query({}) }, ['breaking get.input']],
    ['no output any more', { get: query({ output: Note }) }, { get: query({}) }, ['breaking get.output']],
    [
      'an error that is gone',
      { get },
      { get: query({ input: z.object({ id: z.string() }), output: Note }) },
      ['breaking get.errors.NOT_FOUND'],
    ],
    [
      'an error of another kind',
      { get: query({ errors: { GONE: { kind: 'not-found' } } }) },
      { get: query({ errors: { GONE: { kind: 'conflict' } } }) },
      ['breaking get.errors.GONE'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(between(notes('1.0.0', before), notes('1.1.0', after))).toEqual(expected)
  })

  test('of events, which others read', () => {
    expect(
      between(
        notes('1.0.0', {}, { NoteAdded: Note, NoteGone: Note }),
        notes('1.1.0', {}, { NoteAdded: Note.extend({ title: z.string().nullable() }), NoteRead: Note }),
      ),
    ).toEqual(['breaking events.NoteAdded.title', 'breaking events.NoteGone', 'safe events.NoteRead'])
  })

  test('allows breaks where the version says so', () => {
    expect(between(notes('1.4.0', { get }), notes('2.0.0', {}))).toEqual(['announced get'])
    expect(between(notes('0.4.0', { get }), notes('0.5.0', {}))).toEqual(['announced get'])
    expect(between(notes('0.4.0', { get }), notes('0.4.1', {}))).toEqual(['breaking get'])
  })

  test('compares with the same major version where several are served', () => {
    const one = notes('1.0.0', { get })
    const two = notes('2.0.0', {})
    expect(contractChanges(exported(one), exported(two, one))).toMatchObject([
      { contract: 'notes@2.0.0', reason: 'the contract is new', isBreaking: false },
    ])
    expect(contractChanges(exported(one, two), exported(two))).toMatchObject([{ path: 'get', isAnnounced: true }])
    expect(contractChanges(exported(one), exported())).toMatchObject([{ isBreaking: true, isAnnounced: false }])
  })

  test('sees a route change', () => {
    const at = (http: string) => contractsDocument([notes('1.0.0', { get })], () => ({ http }))
    expect(contractChanges(at('GET /v1/notes/{id}'), at('GET /v2/notes/{id}'))).toMatchObject([
      { path: 'get.http', isBreaking: true, reason: 'GET /v1/notes/{id} became GET /v2/notes/{id}' },
    ])
  })
})

describe('parseContractsDocument()', () => {
  test.each([
    null,
    [],
    {},
    { format: 'keelson-contracts/2', contracts: [] },
    { format: 'keelson-contracts/1' },
    { format: 'keelson-contracts/1', contracts: [{ name: 'a', version: '1.0.0', events: {}, operations: { b: {} } }] },
  ])('refuses %j', (value) => {
    expect(() => parseContractsDocument(value)).toThrow(expect.objectContaining({ code: 'CONTRACT_DATA_INVALID' }))
  })
})
