/**
 * Statements that travel in one message and are answered together, through pg's extension point for queries of one's own. The extended
 * protocol takes one statement at a time, which is what keeps a parameter from ever being read as SQL.
 */
import type { QueryResult } from '@keelson/kernel'
import type { Connection, Submittable } from 'pg'
import { columnReader } from './column-values.ts'
import type { Column, Prepared } from './prepared-statements.ts'
import type { ParameterTypes, WireStatement } from './statements.ts'

/** What a statement came to, with PostgreSQL's word for it, such as `COMMIT` or `ROLLBACK`. */
export interface PipelineResult extends QueryResult {
  readonly command: string
}

interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
}

/** One round trip. Rejects with what pg reports; `isSent` says whether the server may have seen it. */
export class Pipeline implements Submittable {
  readonly #statements: readonly WireStatement[]
  readonly #results: PipelineResult[] = []
  readonly #settled = Promise.withResolvers<readonly PipelineResult[]>()
  #columns: readonly Column[] | undefined
  #rows: Record<string, unknown>[] = []
  #isSent = false

  constructor(statements: readonly WireStatement[]) {
    this.#statements = statements
  }

  get isSent(): boolean {
    return this.#isSent
  }

  /** Settles when the server is ready for the next message, so that what was committed has been. */
  get settled(): Promise<readonly PipelineResult[]> {
    return this.#settled.promise
  }

  submit(connection: Connection): void {
    this.#isSent = true
    connection.stream.cork()
    for (const { sql, values, prepared } of this.#statements) {
      const { name, columns } = prepared ?? { name: '', columns: undefined }
      if (!columns) connection.parse({ name, text: sql, types: [] }, true)
      connection.bind({ statement: name, values: [...values] }, true)
      if (!columns) connection.describe({ type: 'P', name: '' }, true)
      connection.execute({ portal: '', rows: '' }, true)
    }
    connection.sync()
    connection.stream.uncork()
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, read: columnReader(dataTypeID) }))
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const columns = this.#columns ?? this.#prepared?.columns ?? []
    const row: Record<string, unknown> = {}
    for (let at = 0; at < fields.length; at++) {
      const column = columns[at]
      const text = fields[at]
      if (column) row[column.name] = text === null || text === undefined ? null : column.read(text)
    }
    this.#rows.push(row)
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const [command = '', ...rest] = text.split(' ')
    const affected = ['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'COPY'].includes(command) ? Number(rest.at(-1)) : 0
    this.#endStatement(command, affected)
  }

  handleEmptyQuery(): void {
    this.#endStatement('', 0)
  }

  handleReadyForQuery(): void {
    this.#settled.resolve(this.#results)
  }

  handleError(error: unknown): void {
    this.#settled.reject(error)
  }

  /** There is nobody to copy from: without an answer the connection would hang. */
  handleCopyInResponse(connection: Connection): void {
    // pg has the method; its type declarations do not.
    ;(connection as Connection & { sendCopyFail(reason: string): void }).sendCopyFail(
      'COPY FROM STDIN is not supported',
    )
  }

  handleCopyData(): void {}

  handlePortalSuspended(): void {}

  #endStatement(command: string, affected: number): void {
    if (this.#prepared) this.#prepared.columns ??= this.#columns ?? []
    this.#results.push({ rows: this.#rows, affected, command })
    this.#rows = []
    this.#columns = undefined
  }

  /** How the statement that is being answered goes. */
  get #prepared(): Prepared | undefined {
    return this.#statements[this.#results.length]?.prepared
  }
}

/** Asks the server for the types of a statement's parameters, without running it. */
export class Description implements Submittable {
  readonly #sql: string
  readonly #settled = Promise.withResolvers<ParameterTypes>()
  #types: ParameterTypes = []

  constructor(sql: string) {
    this.#sql = sql
  }

  get settled(): Promise<ParameterTypes> {
    return this.#settled.promise
  }

  submit(connection: Connection): void {
    connection.once('parameterDescription', ({ dataTypeIDs }: { readonly dataTypeIDs: ParameterTypes }) => {
      this.#types = dataTypeIDs
    })
    connection.stream.cork()
    connection.parse({ name: '', text: this.#sql, types: [] }, true)
    connection.describe({ type: 'S', name: '' }, true)
    connection.sync()
    connection.stream.uncork()
  }

  handleRowDescription(): void {}

  handleReadyForQuery(): void {
    this.#settled.resolve(this.#types)
  }

  handleError(error: unknown): void {
    this.#settled.reject(error)
  }
}
