/**
 * Makes the parameters of a statement ready for the worker thread. Objects become JSON text here rather than there, because copying them
 * to another thread would drop their `toJSON`, and PGlite would store an object given for a text column as "[object Object]".
 */
import { kernelErrors } from '@keelson/kernel'
import type { WireStatement, WireValue } from './worker-messages.ts'

/** The protocol counts parameters in sixteen bits. */
const mostParameters = 65_535

/** Throws DATABASE_QUERY_FAILED for what has no form in SQL; the message names the parameter by its number only. */
export function toWireStatement(sql: string, parameters: readonly unknown[] = []): WireStatement {
  if (sql.includes('\0')) throw refuse('42601', 'the statement holds a zero character')
  if (parameters.length > mostParameters) {
    throw refuse('54000', `a statement takes at most ${mostParameters} parameters, this one has ${parameters.length}`)
  }
  return { sql, parameters: parameters.map((value, position) => toWire(value, `$${position + 1}`)) }
}

function toWire(value: unknown, name: string): WireValue {
  if (value === null || value === undefined) return null
  if (isPlain(value)) return value
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refuse('22007', `${name} is an invalid date`)
    return value
  }
  if (ArrayBuffer.isView(value)) return toBytes(value)
  if (Array.isArray(value) && isArrayOfValues(value)) return value.map((item) => toWire(item, name))
  return toJson(value, name)
}

/** Arrays that hold objects can only be meant for a JSON column. */
function isArrayOfValues(values: readonly unknown[]): boolean {
  return values.every(
    (value) =>
      value === null ||
      isPlain(value) ||
      value instanceof Date ||
      value instanceof Uint8Array ||
      (Array.isArray(value) && isArrayOfValues(value)),
  )
}

function isPlain(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

function toBytes(view: ArrayBufferView): Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  // Copying a view to another thread copies the whole buffer under it, which for a Buffer is a shared pool.
  return view.byteLength === view.buffer.byteLength ? bytes : bytes.slice()
}

function toJson(value: unknown, name: string): WireValue {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    throw refuse('22023', `${name} cannot be written as JSON: it refers to itself, or holds a bigint`)
  }
  if (text === undefined) throw refuse('22023', `${name} is a ${typeof value}, which SQL has no form for`)
  return text
}

function refuse(sqlState: string, reason: string): Error {
  return kernelErrors.DATABASE_QUERY_FAILED({ sqlState, reason })
}
