/** Reads on replicas, one after the other in turn; a replica that is away is left out for a while, and without any the primary answers. */
import { type Clock, isError, type Queryable, type QueryResult } from '@keelson/kernel'

/** How long a replica that was away is not asked. */
const restMs = 5_000

interface Replica {
  readonly reader: Queryable
  awayUntil: number
}

export class Replicas implements Queryable {
  readonly #replicas: readonly Replica[]
  readonly #primary: Queryable
  readonly #clock: Pick<Clock, 'monotonic'>
  #turn = 0

  constructor(replicas: readonly Queryable[], primary: Queryable, clock: Pick<Clock, 'monotonic'>) {
    this.#replicas = replicas.map((reader) => ({ reader, awayUntil: 0 }))
    this.#primary = primary
    this.#clock = clock
  }

  /** Rejects as the server refuses it. A read that was lost with its connection is asked elsewhere. */
  async query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<QueryResult<Row>> {
    for (let tried = 0; tried < this.#replicas.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#replicas.length
      const replica = this.#replicas[this.#turn]
      if (!replica || replica.awayUntil > this.#clock.monotonic()) continue
      try {
        return await replica.reader.query<Row>(sql, parameters)
      } catch (error) {
        if (!isAway(error)) throw error
        replica.awayUntil = this.#clock.monotonic() + restMs
      }
    }
    return this.#primary.query<Row>(sql, parameters)
  }
}

/** What was asked has changed nothing, so that it can be asked again. */
function isAway(error: unknown): boolean {
  return (
    isError(error, 'DATABASE_UNREACHABLE') ||
    isError(error, 'DATABASE_CONNECTION_LOST') ||
    isError(error, 'DATABASE_OUTCOME_UNKNOWN') ||
    isError(error, 'DATABASE_POOL_EXHAUSTED') ||
    // A replica ends what stands in the way of what it has to replay.
    isError(error, 'DATABASE_CONTENDED')
  )
}
