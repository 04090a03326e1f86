import { describe, expect, it } from 'vitest'
import { placeOf, plainLine } from '../src/error-place.ts'

const withStack = (stack: string, cause?: unknown): Error => Object.assign(new Error('failed', { cause }), { stack })

describe('placeOf()', () => {
  it('is the first frame in the code of the user', () => {
    const error = withStack(`Error: failed
    at Array.map (<anonymous>)
    at run (file:///home/ada/shop/node_modules/zod/index.js:1:1)
    at node:internal/process/task_queues:105:5
    at async start (file:///home/ada/shop/services/visits/service.ts:7:11)
    at file:///home/ada/shop/keelson.config.ts:1:1`)
    expect(placeOf(error, '/home/ada/shop')).toBe('services/visits/service.ts:7')
    expect(placeOf(error, '/home/ada/other')).toBe('/home/ada/shop/services/visits/service.ts:7')
  })

  it('is the file of a syntax error, and of the deepest cause that has one', () => {
    const syntax = withStack(`file:///home/ada/shop/page/page.ts:2
const a = = 1
          ^

SyntaxError: Expression expected
    at parseTypeScript (node:internal/modules/typescript:72:36)`)
    const outer = withStack('Error: outer\n    at file:///home/ada/shop/keelson.config.ts:1:1', syntax)
    expect(placeOf(outer, '/home/ada/shop')).toBe('page/page.ts:2')
    expect(
      placeOf(withStack('Error: outer\n    at /home/ada/shop/a.js:3:1', new Error('x')), '/home/ada/shop'),
    ).toMatch(/error-place\.test\.ts:\d+$/)
  })

  it('is nothing for what is no error or has no frame of the user', () => {
    expect(placeOf('text', '/')).toBeUndefined()
    expect(placeOf(withStack('Error: x\n    at run (node:fs:1:1)'), '/')).toBeUndefined()
  })
})

describe('plainLine()', () => {
  const root = '/home/ada/shop'
  it.each([
    [
      '    at record (file:///home/ada/shop/services/visits/service.ts:7:11)',
      '    at record (services/visits/service.ts:7:11)',
    ],
    ['    at async /home/ada/shop/page/page.ts:2:1', '    at async page/page.ts:2:1'],
    ['Cannot read "/home/ada/shop/notes.md"', 'Cannot read "notes.md"'],
    ['  at services/visits/service.ts:7', '  at services/visits/service.ts:7'],
    ['we met at /home/ada', 'we met at /home/ada'],
  ])('%j reads %j', (line, plain) => expect(plainLine(line, root)).toBe(plain))

  it.each([
    '    at run (node:internal/modules/esm:1:1)',
    '    at node:internal/process/task_queues:105:5',
    '    at Array.map (<anonymous>)',
    '    at new Promise (<anonymous>)',
    '    at async call (file:///home/ada/shop/node_modules/@keelson/services/dist/facade/pipeline.js:1:1)',
    '    at call (/srv/keelson/packages/services/src/facade/pipeline.ts:1:1)',
  ])('%j is left out', (line) => expect(plainLine(line, root)).toBeUndefined())
})
