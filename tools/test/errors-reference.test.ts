import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineErrors } from '../../packages/kernel/src/keelson-error.ts'
import { duplicateCodes, errorsOf, errorsPage, readCatalogues } from '../errors-reference.ts'

const storeErrors = defineErrors({
  STORE_FULL: {
    kind: 'unavailable',
    retryable: true,
    when: 'The disk is full | or so\n   it says.',
    message: (d: { path: string }) => `Cannot write "${d.path}"`,
  },
  STORE_ABSENT: { kind: 'not-found', when: 'There is none.', message: () => 'Cannot find the store' },
})

describe('errorsOf()', () => {
  test('takes what defineErrors made, by code, and nothing else', () => {
    const errors = errorsOf({ storeErrors, limit: 5, helper: () => 1, nothing: null })
    expect(errors).toEqual([
      { code: 'STORE_ABSENT', kind: 'not-found', retryable: false, when: 'There is none.' },
      { code: 'STORE_FULL', kind: 'unavailable', retryable: true, when: 'The disk is full | or so\n   it says.' },
    ])
  })
})

describe('errorsPage()', () => {
  test('shows code, kind, status, retry and when, and leaves out a package without errors', () => {
    const page = errorsPage([
      { owner: 'packages/store', errors: errorsOf({ storeErrors }) },
      { owner: 'packages/empty', errors: [] },
    ])
    expect(page).toContain('## packages/store\n')
    expect(page).toContain('| `STORE_ABSENT` | not-found | 404 |  | There is none. |\n')
    expect(page).toContain('| `STORE_FULL` | unavailable | 503 | yes | The disk is full \\| or so it says. |\n')
    expect(page).not.toContain('packages/empty')
  })
})

describe('duplicateCodes()', () => {
  test('names every owner of a code', () => {
    const errors = errorsOf({ storeErrors })
    const twice = duplicateCodes([
      { owner: 'packages/a', errors },
      { owner: 'packages/b', errors: errors.slice(0, 1) },
    ])
    expect(twice).toEqual([{ code: 'STORE_ABSENT', owners: ['packages/a', 'packages/b'] }])
  })
})

describe('readCatalogues()', () => {
  test("finds this repository's own, each code once", async () => {
    const catalogues = await readCatalogues(dirname(dirname(import.meta.dirname)))
    const kernel = catalogues.find(({ owner }) => owner === 'packages/kernel')
    expect(kernel?.errors.map(({ code }) => code)).toContain('CONTRACT_INVALID')
    expect(duplicateCodes(catalogues)).toEqual([])
  })
})
