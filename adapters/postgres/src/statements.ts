/**
 * Makes statements ready to be sent: the values of parameters become text (bytes stay bytes), and what would break the boundaries of a
 * transaction is refused before the server sees it, since a list of statements travels in one message and nobody can look in between.
 */
import { isArrayOfValues, isPlainValue, jsonParameter, refusedStatement, requireSendable } from '@keelson/kernel'
import type { Prepared } from './prepared-statements.ts'

/** What a parameter is sent as: text, or bytes in binary form. */
export type WireValue = string | Buffer | null

export interface WireStatement {
  readonly sql: string
  readonly values: readonly WireValue[]
  readonly prepared?: Prepared | undefined
}

/** Types of a statement's parameters by the numbers of pg_type, in order. */
export type ParameterTypes = readonly number[]

/** PostgreSQL's numbers of `json` and `jsonb`. */
const jsonTypes: readonly number[] = [114, 3802]

/**
 * Where a statement is sent: `alone` it may not begin a transaction that nobody would end; `inside` it may not end one that is another's.
 */
export type StatementPlace = 'alone' | 'inside'

/** Throws DATABASE_QUERY_FAILED for what is no single statement for this place; the message never shows a parameter. */
export function requireStatement(sql: string, parameters: readonly unknown[], place: StatementPlace): void {
  requireSendable(sql, parameters)
  if (!transactionControl.test(sql)) return
  throw place === 'alone'
    ? refusedStatement('25001', 'a statement by itself cannot control a transaction: use transaction() or batch()')
    : refusedStatement('2D000', 'one of its statements would end the transaction, which only its owner may do')
}

/** Whether a value could be an array of SQL or JSON, so that only the type of its column tells what was meant. */
export function isAmbiguous(value: unknown): boolean {
  return Array.isArray(value) && isArrayOfValues(value)
}

/** Throws DATABASE_QUERY_FAILED for what has no form in SQL. `types` are needed where a value is ambiguous. */
export function toWireValues(parameters: readonly unknown[], types: ParameterTypes): WireValue[] {
  return parameters.map((value, position) => toWire(value, types[position], `$${position + 1}`))
}

/** Comments, then a word that controls a transaction; `rollback to <savepoint>` does not end it. */
const transactionControl =
  /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))\b/i

function toWire(value: unknown, type: number | undefined, name: string): WireValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (isPlainValue(value)) return String(value)
  if (value instanceof Date) return dateText(value, name)
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value) && isArrayOfValues(value) && !(type !== undefined && jsonTypes.includes(type)))
    return arrayText(value, name)
  return jsonParameter(value, name)
}

/** PostgreSQL writes years before 1 with BC, and later ones than 9999 without a sign. */
function dateText(date: Date, name: string): string {
  if (Number.isNaN(date.getTime())) throw refusedStatement('22007', `${name} is an invalid date`)
  const year = date.getUTCFullYear()
  const rest = date.toISOString().replace(/^[+-]?\d+/, '')
  return year > 0 ? `${String(year).padStart(4, '0')}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`
}

/** The text form of an SQL array. */
function arrayText(values: readonly unknown[], name: string): string {
  const items = values.map((value) => {
    if (Array.isArray(value)) return arrayText(value, name)
    if (value instanceof Uint8Array) return `"\\\\x${Buffer.from(value).toString('hex')}"`
    const text = toWire(value, undefined, name)
    return text === null ? 'NULL' : `"${String(text).replace(/["\\]/g, '\\$&')}"`
  })
  return `{${items.join(',')}}`
}
