/** What the conformance cases of the `Database` port are made with. */
import assert from 'node:assert/strict'
import { isError, type KeelsonError } from '../keelson-error.ts'
import type { Database, Queryable } from './database.ts'

export interface DatabaseCase {
  readonly name: string
  run(database: Database): Promise<void>
}

let tables = 0

/** Runs `work` with a new table and drops it again. */
export async function withTable(
  database: Database,
  columns: string,
  work: (table: string) => Promise<void>,
): Promise<void> {
  const table = `keelson_conformance_${++tables}`
  await database.batch([{ sql: `drop table if exists ${table}` }, { sql: `create table ${table} (${columns})` }])
  try {
    await work(table)
  } finally {
    await database.query(`drop table if exists ${table}`)
  }
}

/** Asserts that `work` is refused with `sqlState`, and gives the error. */
export async function refused(work: () => Promise<unknown>, sqlState: string): Promise<KeelsonError> {
  const error = await work().then(
    () => assert.fail(`not refused, though ${sqlState} is due`),
    (reason: unknown) => reason,
  )
  assert.ok(isError(error, 'DATABASE_QUERY_FAILED'), `not a named error: ${String(error)}`)
  assert.equal(error.details['sqlState'], sqlState, error.message)
  return error
}

/** The column `value` of all rows, in ascending order. */
export async function valuesIn(database: Queryable, table: string): Promise<unknown[]> {
  const { rows } = await database.query<{ value: unknown }>(`select value from ${table} order by value`)
  return rows.map(({ value }) => value)
}
