import { describe, expect, test } from 'vitest'
import { defineErrors, isError, KeelsonError, kernelErrors } from '../src/index.ts'

const errors = defineErrors({
  STORE_FULL: {
    kind: 'unavailable',
    retryable: true,
    when: 'The disk is full.',
    message: (d: { path: string }) => `Cannot write "${d.path}": the disk is full`,
  },
})

describe('defineErrors()', () => {
  test('makes errors with the code, message, kind and details of their entry', () => {
    const cause = new Error('ENOSPC')
    const error = errors.STORE_FULL({ path: '/a' }, { cause })
    expect(error).toBeInstanceOf(KeelsonError)
    expect(error).toMatchObject({
      name: 'KeelsonError',
      code: 'STORE_FULL',
      message: 'Cannot write "/a": the disk is full',
      kind: 'unavailable',
      retryable: true,
      details: { path: '/a' },
      cause,
    })
  })

  test('leaves errors not retryable and without a cause unless told', () => {
    const error = kernelErrors.CONTRACT_INVALID({ contract: 'x', reason: 'y' })
    expect(error.retryable).toBe(false)
    expect('cause' in error).toBe(false)
  })

  test('lets the catalogue be read, for the reference page', () => {
    expect(errors.STORE_FULL.code).toBe('STORE_FULL')
    expect(errors.STORE_FULL.definition.when).toBe('The disk is full.')
  })
})

describe('isError()', () => {
  test('knows an error by its code', () => {
    const error: unknown = errors.STORE_FULL({ path: '/a' })
    expect(isError(error)).toBe(true)
    expect(isError(error, 'STORE_FULL')).toBe(true)
    expect(isError(error, 'STORE_EMPTY')).toBe(false)
  })

  test('knows an error by its factory, and then the type of its details', () => {
    const error: unknown = errors.STORE_FULL({ path: '/a' })
    expect(isError(error, errors.STORE_FULL) && (error.details.path satisfies string)).toBe('/a')
    expect(isError(error, kernelErrors.CONTRACT_INVALID)).toBe(false)
  })

  test('knows an error of another install of the package', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('keelson.error')]: true, code: 'STORE_FULL' })
    expect(isError(foreign, 'STORE_FULL')).toBe(true)
  })

  test('takes nothing else for one', () => {
    for (const other of [new Error('x'), { code: 'STORE_FULL' }, null, undefined, 'STORE_FULL']) {
      expect(isError(other, 'STORE_FULL')).toBe(false)
    }
  })
})
