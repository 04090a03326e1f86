import { describe, expect, test } from 'vitest'
import { type PackedPackage, renderPackages, staleRows } from '../check-packages.ts'

const kernel: PackedPackage = {
  name: '@keelson/kernel',
  description: 'Errors and contracts.',
  entries: ['@keelson/kernel', '@keelson/kernel/testing'],
  packedBytes: 49_200,
  unpackedBytes: 164_000,
}
const page = renderPackages([kernel])

describe('renderPackages()', () => {
  test('gives each package a row with its entries and sizes', () => {
    expect(page).toContain(
      '| `@keelson/kernel` | Errors and contracts. | `@keelson/kernel` `@keelson/kernel/testing` | 50 | 164 |',
    )
  })
})

describe('staleRows()', () => {
  test('lets a size move a little and names one that moved far', () => {
    expect(staleRows(page, [{ ...kernel, packedBytes: 55_000 }])).toEqual([])
    expect(staleRows(page, [{ ...kernel, unpackedBytes: 400_000 }])).toEqual([
      '@keelson/kernel is 50 kB packed, 400 kB unpacked',
    ])
  })

  test('names packages that the page lacks or that are gone', () => {
    expect(staleRows(page, [{ ...kernel, name: '@keelson/events' }])).toEqual([
      '@keelson/events is missing',
      '@keelson/kernel is gone',
    ])
  })
})
