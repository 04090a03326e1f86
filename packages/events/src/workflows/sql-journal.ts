/** The journal of one instance in the event store, for the program that holds the instance. */
import { isError, type Queryable } from '@keelson/kernel'
import { isAway } from './database-away.ts'
import { type RecordOf, recordIdOf } from './instance-names.ts'
import { type InstanceJournal, JournalFailure } from './journal-cursor.ts'
import { type JournalEvent, type JournalRecord, type RecordNotes, recordOf } from './workflow-journal.ts'
import type { HeldInstance, WorkflowTables } from './workflow-tables.ts'

export class SqlJournal implements InstanceJournal {
  readonly #tables: WorkflowTables
  readonly #current: () => HeldInstance
  readonly #begun: () => void

  /**
   * @param current with the lease that it is held by now.
   * @param begun is called when a child has begun.
   */
  constructor(tables: WorkflowTables, current: () => HeldInstance, begun: () => void) {
    this.#tables = tables
    this.#current = current
    this.#begun = begun
  }

  get #held(): HeldInstance {
    return this.#current()
  }

  async read(from: number): Promise<readonly JournalRecord[]> {
    const { events } = await outOfReach(() => this.#tables.store.readStream(this.#held.stream, { from }))
    return events.map(recordOf)
  }

  async append(of: RecordOf, event: JournalEvent, notes: RecordNotes): Promise<number | undefined> {
    const { store } = this.#tables
    const written = { ...event, id: recordIdOf(store.log, this.#held, of), metadata: { ...notes } }
    try {
      const { version, isRepeat } = await outOfReach(() => store.append(this.#held.stream, [written]))
      return isRepeat ? undefined : version
    } catch (error) {
      if (isError(error, 'EVENTS_ID_TAKEN')) return undefined
      throw error
    }
  }

  async transact(
    key: string,
    work: (transaction: Queryable) => Promise<JournalEvent>,
    notes: RecordNotes,
  ): Promise<void> {
    try {
      await this.#tables.database.transaction(async (transaction) => {
        // Whoever has taken over does the work instead.
        await this.#tables.keepWithin(transaction, this.#held)
        const done = await work(transaction)
        if (!(await this.#tables.appendWithin(transaction, this.#held, [key, 'done'], done, notes)))
          throw new RecordedBefore()
      })
    } catch (error) {
      if (!(error instanceof RecordedBefore) && !isError(error, 'EVENTS_ID_TAKEN')) throw error
    }
  }

  async beginChild(
    key: string,
    child: { readonly workflow: string; readonly version: number },
    input: unknown,
    notes: RecordNotes,
  ): Promise<void> {
    await outOfReach(() => this.#tables.beginChild(this.#held, key, child, input, notes))
    this.#begun()
  }
}

/** Tells what the database did not do from what it refused. */
async function outOfReach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isAway(error) ? new JournalFailure(error) : error
  }
}

/** Rolls back what had been done before. */
class RecordedBefore extends Error {}
