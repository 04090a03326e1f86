/** What every driver of the `Database` port asks of a statement's parameters before it sends them, so that all refuse the same. */
import { kernelErrors } from '../errors.ts'

/** The protocol counts parameters in sixteen bits. */
const mostParameters = 65_535

/** Throws DATABASE_QUERY_FAILED for what PostgreSQL's protocol cannot carry. */
export function requireSendable(sql: string, parameters: readonly unknown[]): void {
  if (sql.includes('\0')) throw refusedStatement('42601', 'the statement holds a zero character')
  if (parameters.length > mostParameters) {
    const reason = `a statement takes at most ${mostParameters} parameters, this one has ${parameters.length}`
    throw refusedStatement('54000', reason)
  }
}

/** A refusal in PostgreSQL's terms of what it was never sent. */
export function refusedStatement(sqlState: string, reason: string): Error {
  return kernelErrors.DATABASE_QUERY_FAILED({ sqlState, reason })
}

/** Whether an array may be one of SQL. Arrays that hold objects can only be meant for a JSON column. */
export function isArrayOfValues(values: readonly unknown[]): boolean {
  return values.every(
    (value) =>
      value === null ||
      isPlainValue(value) ||
      value instanceof Date ||
      value instanceof Uint8Array ||
      (Array.isArray(value) && isArrayOfValues(value)),
  )
}

export function isPlainValue(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

/** A value for a JSON column. Throws DATABASE_QUERY_FAILED for what has no form in SQL; `name` stands for the value in it. */
export function jsonParameter(value: unknown, name: string): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    throw refusedStatement('22023', `${name} cannot be written as JSON: it refers to itself, or holds a bigint`)
  }
  if (text === undefined) throw refusedStatement('22023', `${name} is a ${typeof value}, which SQL has no form for`)
  return text
}
