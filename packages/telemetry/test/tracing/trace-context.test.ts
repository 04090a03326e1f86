import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { parseTraceContext, traceHeaders, traceparentOf } from '../../src/tracing/trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const parent = `00-${traceId}-${spanId}-01`

describe('parseTraceContext()', () => {
  test('reads the ids and whether the trace is sampled', () => {
    assert.deepEqual(parseTraceContext(parent), { traceId, spanId, isSampled: true, traceState: '' })
    assert.equal(parseTraceContext(`00-${traceId}-${spanId}-00`)?.isSampled, false)
    assert.equal(parseTraceContext(`00-${traceId}-${spanId}-03`)?.isSampled, true, 'other flags are ignored')
    assert.equal(parseTraceContext(`00-${traceId}-${spanId}-fe`)?.isSampled, false)
  })

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['a header that came twice, as a list', [parent, parent]],
    ['a header that came twice, joined', `${parent}, ${parent}`],
    ['upper case', parent.toUpperCase()],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['a version that is no number', `0x-${traceId}-${spanId}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['a short trace id', `00-${traceId.slice(1)}-${spanId}-01`],
    ['a long span id', `00-${traceId}-${spanId}0-01`],
    ['digits that are none', `00-${traceId.replace('4', 'g')}-${spanId}-01`],
    ['no flags', `00-${traceId}-${spanId}`],
    ['one digit of flags', `00-${traceId}-${spanId}-1`],
    ['more behind version 00', `${parent}-what`],
    ['a closing dash in version 00', `${parent}-`],
    ['more without a dash in a later version', `01-${traceId}-${spanId}-01what`],
    ['a megabyte', `${parent}${'0'.repeat(1_000_000)}`],
  ])('ignores %s', (_, header) => {
    assert.equal(parseTraceContext(header, 'a=1'), undefined)
  })

  test('reads the known beginning of a later version', () => {
    assert.deepEqual(parseTraceContext(`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`), {
      traceId,
      spanId,
      isSampled: true,
      traceState: '',
    })
    assert.equal(parseTraceContext(`cc-${traceId}-${spanId}-01`)?.traceId, traceId)
  })

  test.each([
    ['one member', 'vendor=opaque', 'vendor=opaque'],
    ['spaces and tabs around members, and empty ones', ' a=1 ,\tb=2\t, ,,c=3', 'a=1,b=2,c=3'],
    ['several headers', ['a=1', 'b=2'], 'a=1,b=2'],
    ['a tenant', 'fw529a3039@dt=FfFfFfFf', 'fw529a3039@dt=FfFfFfFf'],
    ['spaces and signs inside a value', 'a=x y<!~', 'a=x y<!~'],
    ['a key that begins with a digit', '1a=2', '1a=2'],
    ['32 members', list(32), list(32)],
    ['33 members', list(33), ''],
    ['a key that comes twice', 'a=1,b=2,a=3', ''],
    ['an upper-case key', 'A=1', ''],
    ['no value', 'a=', ''],
    ['no key', '=1', ''],
    ['no sign', 'a', ''],
    ['a sign in the value', 'a=1=2', ''],
    ['a control character', 'a=1\n', ''],
    ['a letter beyond ASCII', 'a=é', ''],
    ['a key of 256 characters', `${'k'.repeat(256)}=1`, `${'k'.repeat(256)}=1`],
    ['a key of 257 characters', `${'k'.repeat(257)}=1`, ''],
    ['a value of 257 characters', `a=${'v'.repeat(257)}`, ''],
  ])('tracestate with %s', (_, header, wanted) => {
    assert.equal(parseTraceContext(parent, header)?.traceState, wanted)
  })
})

describe('traceHeaders()', () => {
  test('writes what parseTraceContext reads', () => {
    for (const isSampled of [true, false]) {
      const context = { traceId, spanId, isSampled, traceState: 'a=1,b=2' }
      const headers = traceHeaders(context)
      assert.deepEqual(parseTraceContext(headers['traceparent'], headers['tracestate']), context)
    }
  })

  test('leaves out what there is not', () => {
    assert.deepEqual(traceHeaders(undefined), {})
    assert.deepEqual(traceHeaders({ traceId, spanId, isSampled: true, traceState: '' }), { traceparent: parent })
    assert.equal(traceparentOf({ traceId, spanId, isSampled: false, traceState: '' }), `00-${traceId}-${spanId}-00`)
  })
})

function list(length: number): string {
  return Array.from({ length }, (_, index) => `k${index}=${index}`).join(',')
}
