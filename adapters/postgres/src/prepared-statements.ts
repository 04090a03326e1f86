/**
 * The statements that one connection keeps parsed: those that come again and again, so that the server reads and plans each once. What is
 * kept is never needed: a server that does not know it any more, as behind a pooler that hands out another session, is sent the text.
 * A name follows from the text, so that a session that somebody else has used knows the same statement by it, or none.
 */
import { createHash } from 'node:crypto'
import { isError } from '@keelson/kernel'

/** Uses of the same text before it is kept. */
const usesBefore = 4
const mostKept = 200
const mostSeen = 1_000

export interface Prepared {
  readonly name: string
  /** Of what it gives; undefined until the server has seen the statement and said it. */
  columns: readonly Column[] | undefined
}

export interface Column {
  readonly name: string
  readonly read: (text: string) => unknown
}

export class PreparedStatements {
  readonly #kept = new Map<string, Prepared>()
  readonly #uses = new Map<string, number>()
  #made = 0
  #isOff = false

  /** Under which name a statement goes now; undefined when it goes without. */
  use(sql: string): Prepared | undefined {
    const kept = this.#kept.get(sql)
    if (kept) return kept
    if (this.#isOff || this.#made >= mostKept) return undefined
    const uses = (this.#uses.get(sql) ?? 0) + 1
    if (this.#uses.size >= mostSeen) this.#uses.clear()
    this.#uses.set(sql, uses)
    if (uses <= usesBefore) return undefined
    this.#made += 1
    return { name: nameOf(sql), columns: undefined }
  }

  /** To be called when the statement has run under this name. */
  keep(sql: string, prepared: Prepared): void {
    this.#kept.set(sql, prepared)
    this.#uses.delete(sql)
  }

  /** Whether a statement may have failed only because it was prepared, in which case it did nothing and goes as text. */
  isStale(sql: string, error: unknown): boolean {
    const sqlState = isError(error, 'DATABASE_QUERY_FAILED') ? error.details['sqlState'] : undefined
    // The tables have changed under its plan.
    const isOutdated = sqlState === '0A000'
    // Another session than the one that prepared it.
    const isElsewhere = sqlState === '26000' || sqlState === '42P05'
    if (isOutdated) this.#kept.delete(sql)
    if (isElsewhere) {
      this.#isOff = true
      this.#kept.clear()
    }
    return isOutdated || isElsewhere
  }
}

/** PostgreSQL cuts names after 63 bytes. */
function nameOf(sql: string): string {
  return `keelson_${createHash('sha256').update(sql).digest('base64url')}`
}
