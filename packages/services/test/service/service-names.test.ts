import { defineContract, query } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { ServiceNames, serviceNames } from '../../src/service/service-names.ts'
import { mock } from '../../src/testing.ts'

const namesOf = (...versions: [name: string, version: string][]) => [
  ...serviceNames(
    versions.map(([name, version]) => mock(defineContract(name, version, { ping: query({}) }), {})),
  ).values(),
]
const duplicate = (component: string) =>
  expect.objectContaining({ code: 'COMPONENT_DUPLICATE', details: { component } })

describe('serviceNames()', () => {
  it('lets the first major version keep the name and numbers each later one', () => {
    expect(namesOf(['notes', '1.4.0'], ['books', '7.0.0'], ['notes', '2.0.0'], ['notes', '10.1.0'])).toEqual([
      'notes',
      'books',
      'notes-v2',
      'notes-v10',
    ])
    expect(namesOf(['notes', '2.0.0'], ['notes', '1.0.0'], ['notes', '0.3.0'])).toEqual([
      'notes',
      'notes-v1',
      'notes-v0',
    ])
  })

  it('refuses one major version twice', () => {
    expect(() => namesOf(['notes', '1.0.0'], ['notes', '1.2.0'])).toThrow(duplicate('notes'))
    expect(() => namesOf(['notes', '1.0.0'], ['notes', '2.0.0'], ['notes', '2.0.1'])).toThrow(duplicate('notes-v2'))
  })

  it('refuses a contract that is called what a later version is known by, in either order', () => {
    expect(() => namesOf(['notes-v2', '1.0.0'], ['notes', '1.0.0'], ['notes', '2.0.0'])).toThrow(duplicate('notes-v2'))
    for (const version of ['1.0.0', '2.0.0'])
      expect(() => namesOf(['notes', '1.0.0'], ['notes', '2.0.0'], ['notes-v2', version])).toThrow(
        duplicate('notes-v2'),
      )
  })
})

describe('ServiceNames', () => {
  it('has one name for all versions of a major version', () => {
    const names = new ServiceNames()
    const asked = ['1.0.0', '2.0.0', '1.9.0', '2.3.1-beta.1'].map((version) => names.nameOf({ name: 'notes', version }))
    expect(asked).toEqual(['notes', 'notes-v2', 'notes', 'notes-v2'])
  })
})
