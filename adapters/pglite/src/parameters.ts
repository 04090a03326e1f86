/**
 * Makes the parameters of a statement ready for the worker thread. Objects become JSON text here rather than there, because copying them
 * to another thread would drop their `toJSON`, and PGlite would store an object given for a text column as "[object Object]".
 */
import { isArrayOfValues, isPlainValue, jsonParameter, refusedStatement, requireSendable } from '@keelson/kernel'
import type { WireStatement, WireValue } from './worker-messages.ts'

/** Throws DATABASE_QUERY_FAILED for what has no form in SQL; the message names the parameter by its number only. */
export function toWireStatement(sql: string, parameters: readonly unknown[] = []): WireStatement {
  requireSendable(sql, parameters)
  return { sql, parameters: parameters.map((value, position) => toWire(value, `$${position + 1}`)) }
}

function toWire(value: unknown, name: string): WireValue {
  if (value === null || value === undefined) return null
  if (isPlainValue(value)) return value
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refusedStatement('22007', `${name} is an invalid date`)
    return value
  }
  if (ArrayBuffer.isView(value)) return toBytes(value)
  if (Array.isArray(value) && isArrayOfValues(value)) return value.map((item) => toWire(item, name))
  return jsonParameter(value, name)
}

function toBytes(view: ArrayBufferView): Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  // Copying a view to another thread copies the whole buffer under it, which for a Buffer is a shared pool.
  return view.byteLength === view.buffer.byteLength ? bytes : bytes.slice()
}
