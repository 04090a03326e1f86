import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { defineContract, errorsOf, isContractError, isError, KeelsonError, query } from '../../src/index.ts'

const get = query({
  input: z.object({ id: z.string() }),
  errors: {
    NOT_FOUND: z.object({ id: z.string() }),
    STOCK_CONFLICT: { message: 'Only {left} of {id} are left', details: z.object({ id: z.string(), left: z.int() }) },
    LOCKED: { kind: 'unavailable', retryable: true },
  },
})

describe('errorsOf()', () => {
  test('makes errors with the declared kind, message and details', () => {
    const { NOT_FOUND, STOCK_CONFLICT, LOCKED } = errorsOf(get)
    expect(NOT_FOUND({ id: '7' })).toMatchObject({
      code: 'NOT_FOUND',
      kind: 'not-found',
      message: 'Not found',
      details: { id: '7' },
    })
    expect(STOCK_CONFLICT({ id: '7', left: 2 })).toMatchObject({ kind: 'conflict', message: 'Only 2 of 7 are left' })
    const cause = new Error('why')
    expect(LOCKED({}, { cause })).toMatchObject({ kind: 'unavailable', retryable: true, details: {}, cause })
  })

  test('drops details that the schema does not know, and refuses those that do not fit', () => {
    const { NOT_FOUND } = errorsOf(get)
    const more = { id: '7', secret: 'hunter2' }
    expect(NOT_FOUND(more).details).toEqual({ id: '7' })
    const wrong = JSON.parse('{"id":7}')
    expect(() => NOT_FOUND(wrong)).toThrow(expect.objectContaining({ code: 'CONTRACT_ERROR_INVALID' }))
  })
})

describe('isContractError()', () => {
  test('recognises declared errors by code and details, whoever made them', () => {
    const far = new KeelsonError({ code: 'NOT_FOUND', kind: 'not-found', message: 'from afar', details: { id: '7' } })
    expect(isContractError(far, get, 'NOT_FOUND')).toBe(true)
    expect(isContractError(far, get)).toBe(true)
    expect(isContractError(far, get, 'STOCK_CONFLICT')).toBe(false)
    expect(isContractError(new Error('NOT_FOUND'), get)).toBe(false)
  })

  test('is not taken in by the same code of something else', () => {
    const other = new KeelsonError({ code: 'NOT_FOUND', kind: 'not-found', message: '', details: { table: 'x' } })
    expect(isContractError(other, get, 'NOT_FOUND')).toBe(false)
    const inherited = new KeelsonError({ code: 'constructor', kind: 'invalid', message: '' })
    expect(isContractError(inherited, get)).toBe(false)
  })
})

describe('defineContract() with errors and events', () => {
  test('keeps them as data', () => {
    const contract = defineContract('notes', '1.0.0', { get }, { events: { NoteAdded: z.object({ id: z.string() }) } })
    expect(Object.keys(contract.operations.get.errors)).toEqual(['NOT_FOUND', 'STOCK_CONFLICT', 'LOCKED'])
    expect(Object.keys(contract.events)).toEqual(['NoteAdded'])
  })

  test.each(['notFound', 'Not_Found', 'NOT-FOUND', '404', ''])('refuses the error code "%s"', (code) => {
    const declared = query({ errors: { [code]: z.object({}) } })
    expect(() => defineContract('notes', '1.0.0', { get: declared })).toThrow(/UPPER_CASE/)
  })

  test.each(['noteAdded', 'note-added', 'Note Added'])('refuses the event name "%s"', (name) => {
    expect(() => defineContract('notes', '1.0.0', {}, { events: { [name]: z.object({}) } })).toThrow(/PascalCase/)
  })

  test('refuses details and events that JSON cannot carry', () => {
    const dated = query({ errors: { LATE: z.object({ at: z.date() }) } })
    expect(() => defineContract('notes', '1.0.0', { get: dated })).toThrow(/notes\.get error LATE/)
    expect(() => defineContract('notes', '1.0.0', {}, { events: { Dated: z.object({ at: z.date() }) } })).toThrow(
      /notes event Dated/,
    )
  })

  test.each(['constructor', 'toString', 'hasOwnProperty', 'toJSON'])('refuses the operation name "%s"', (name) => {
    expect(() => defineContract('notes', '1.0.0', { [name]: query({}) })).toThrow(/every object/)
  })

  test('refuses an operation that hides as a prototype', () => {
    const operations = { get, __proto__: query({}) }
    expect(() => defineContract('notes', '1.0.0', operations)).toThrow(/__proto__/)
  })

  test('names the line of the definition', () => {
    try {
      defineContract('Notes', '1.0.0', {})
      expect.fail('it was accepted')
    } catch (error) {
      expect(isError(error, 'CONTRACT_INVALID') && error.details['place']).toMatch(/contract-error\.test\.ts:\d+:\d+$/)
    }
  })
})
