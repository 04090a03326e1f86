/**
 * Begins and signals instances for the events that a definition names: once per event, whoever reads them, since the place in the feed moves
 * in the same transaction. An event that cannot begin anything is set aside, and tried again after growing pauses.
 */
import { backoffMs, type Clock, isError, type Queryable } from '@keelson/kernel'
import type { RecordedEvent } from '../store/event.ts'
import type { FeedPosition } from '../store/event-store.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { checkedStart } from './checked-start.ts'
import { isAway } from './database-away.ts'
import type { Begin, StartedBy, Workflow } from './workflow.ts'
import { kept, requireJson } from './workflow-journal.ts'
import type { WorkflowTables } from './workflow-tables.ts'

/** An event that could not begin or signal anything. */
export interface ParkedStart {
  readonly workflow: string
  readonly position: number
  readonly reason: string
  readonly tries: number
}

export interface StartsOptions {
  readonly store: SqlEventStore
  readonly tables: WorkflowTables
  readonly definition: Workflow & { readonly startedBy: StartedBy }
  readonly clock: Clock
  /** Something has begun or was signalled. */
  readonly begun: () => void
  readonly failed: (error: unknown) => void
}

type Found = { readonly event: RecordedEvent } & ({ readonly begin: Begin } | { readonly refused: string })

const pageSize = 200
const pauses = { firstMs: 100, mostMs: 5_000 }
const retryLookMs = 5_000
const retryMs = { first: 60_000, most: 3_600_000 }

export class WorkflowStarts {
  readonly #options: StartsOptions
  readonly #name: string
  #lookedAt = Number.NEGATIVE_INFINITY
  /** Why the feed cannot be gone through; undefined while it can. */
  trouble: string | undefined

  constructor(options: StartsOptions) {
    this.#options = options
    this.#name = options.definition.name
  }

  /** Notes where a definition that is new begins, so that what is appended from now on is seen. */
  async open(): Promise<void> {
    const { store, definition } = this.#options
    const { from = 'now' } = definition.startedBy
    const place = from === 'now' ? await store.head() : { position: from === 'start' ? 0 : from, epoch: 0 }
    await store.database.query(
      'insert into keelson_workflow_starts (log, workflow, position, epoch) values ($1, $2, $3, $4) on conflict do nothing',
      [store.log, this.#name, place.position, place.epoch],
    )
  }

  /** Ends when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, failed } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      try {
        const next = await this.#page()
        if (clock.monotonic() - this.#lookedAt > retryLookMs) await this.#retry()
        failures = 0
        this.trouble = undefined
        if (next.isLast) await store.waitBeyond(next.position, signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isError(error, 'EVENTS_CLOSED')) failed(error)
        failures += 1
        this.trouble = kept(error).message
        await clock.sleep(backoffMs(pauses, failures), signal).catch(() => {})
      }
    }
  }

  async #page(): Promise<FeedPosition & { readonly isLast: boolean }> {
    const { store, definition } = this.#options
    const { rows } = await store.database.query<FeedPosition>(
      'select position, epoch from keelson_workflow_starts where log = $1 and workflow = $2',
      [store.log, this.#name],
    )
    const place = rows[0] ?? { position: 0, epoch: 0 }
    const { types } = definition.startedBy
    // What is archived by now happened all the same.
    const page = await store.readFeed(place, { types, limit: pageSize, includeArchived: true })
    const found = await Promise.all(page.events.map((event) => this.#find(event)))
    if (page.next.position > place.position)
      await this.#move(place, page.next, found).catch(async (error: unknown) => {
        if (isAway(error)) throw error
        await this.#moveOneByOne(place, page.next, found)
      })
    if (found.length > 0) this.#options.begun()
    return { ...page.next, isLast: page.next.position === page.head }
  }

  /** What an event begins or signals, and why it cannot. */
  async #find(event: RecordedEvent): Promise<Found> {
    const { definition } = this.#options
    try {
      const begin = definition.startedBy.begin(event)
      if (!begin) return { event, begin: {} }
      if ('input' in begin) await checkedStart(definition, begin.id, begin.input)
      return { event, begin }
    } catch (error) {
      return { event, refused: kept(error).message }
    }
  }

  /** False when another program has read the same page. */
  async #move(from: FeedPosition, to: FeedPosition, found: readonly Found[]): Promise<boolean> {
    const { store } = this.#options
    return store.database.transaction(async (transaction) => {
      const { affected } = await transaction.query(
        'update keelson_workflow_starts set position = $4, epoch = $5 where log = $1 and workflow = $2 and position = $3',
        [store.log, this.#name, from.position, to.position, to.epoch],
      )
      if (affected === 0) return false
      for (const one of found)
        if ('refused' in one) await this.#park(transaction, one.event.position, one.refused)
        else await this.#begin(transaction, one.event, one.begin)
      return true
    })
  }

  /** Finds out which of them it is that cannot be taken. */
  async #moveOneByOne(from: FeedPosition, to: FeedPosition, found: readonly Found[]): Promise<void> {
    let place = from
    for (const one of found) {
      const next = { position: one.event.position, epoch: to.epoch }
      const isMoved = await this.#move(place, next, [one]).catch((error: unknown) => {
        if (isAway(error)) throw error
        return this.#move(place, next, [{ event: one.event, refused: kept(error).message }])
      })
      if (!isMoved) return
      place = next
    }
    await this.#move(place, to, [])
  }

  async #begin(transaction: Queryable, event: RecordedEvent, begin: Begin): Promise<void> {
    const { tables, definition } = this.#options
    const { id, signal } = begin
    if (id === undefined) return
    const instance = { workflow: this.#name, id, version: definition.version }
    if ('input' in begin) await tables.beginWithin(transaction, instance, requireJson('the input', begin.input ?? null))
    if (!signal) return
    const value = requireJson(`the signal "${signal.name}"`, signal.value ?? null)
    const received = { type: 'WorkflowSignalReceived', data: { name: signal.name, value } } as const
    // Nobody waits any more for what is told to one that has ended, or never was.
    await tables
      .changeWithin(transaction, instance, ['signal', signal.name, event.id], received)
      .catch((error: unknown) => {
        if (!isError(error, 'WORKFLOW_NOT_FOUND') && !isError(error, 'WORKFLOW_ENDED')) throw error
      })
  }

  async #park(on: Queryable, position: number, reason: string): Promise<void> {
    const { store } = this.#options
    const now = `(extract(epoch from ${store.database.nowSql}) * 1000)::bigint`
    await on.query(
      `insert into keelson_workflow_parked_starts as s (log, workflow, position, reason, retry_at)
        values ($1, $2, $3, $4, ${now} + ${retryMs.first})
        on conflict (log, workflow, position) do update set reason = excluded.reason, tries = s.tries + 1,
          retry_at = ${now} + least(${retryMs.most}, ${retryMs.first} * power(2, least(s.tries, 10)))::bigint`,
      [store.log, this.#name, position, reason],
    )
  }

  /** Tries what was set aside again, with the code as it is now. */
  async #retry(): Promise<void> {
    const { store, clock, begun } = this.#options
    this.#lookedAt = clock.monotonic()
    const now = `(extract(epoch from ${store.database.nowSql}) * 1000)::bigint`
    const { rows } = await store.database.query<{ position: number }>(
      `select position from keelson_workflow_parked_starts where log = $1 and workflow = $2 and retry_at <= ${now} order by position limit 20`,
      [store.log, this.#name],
    )
    for (const { position } of rows) {
      const { events } = await store.readFeed({ position: position - 1, epoch: 0 }, { limit: 1, includeArchived: true })
      const found = events[0] && (await this.#find(events[0]))
      const refused = found && 'refused' in found ? found.refused : await this.#beginParked(position, found)
      if (refused === undefined) begun()
      else await this.#park(store.database, position, refused)
    }
  }

  /** Gives why it could not be begun. */
  async #beginParked(position: number, found: Found | undefined): Promise<string | undefined> {
    const { store } = this.#options
    try {
      await store.database.transaction(async (transaction) => {
        const { affected } = await transaction.query(
          'delete from keelson_workflow_parked_starts where log = $1 and workflow = $2 and position = $3',
          [store.log, this.#name, position],
        )
        if (affected > 0 && found && 'begin' in found) await this.#begin(transaction, found.event, found.begin)
      })
      return undefined
    } catch (error) {
      if (isAway(error)) throw error
      return kept(error).message
    }
  }
}

/** Events of any workflow that could not begin or signal anything. */
export async function parkedStarts({ database, log }: SqlEventStore): Promise<readonly ParkedStart[]> {
  const { rows } = await database.query<ParkedStart>(
    'select workflow, position, reason, tries from keelson_workflow_parked_starts where log = $1 order by workflow, position limit 1000',
    [log],
  )
  return rows
}

/** Tries what was set aside again at once. Gives how many. */
export async function retryParkedStarts({ database, log }: SqlEventStore, workflow: string): Promise<number> {
  const { affected } = await database.query(
    'update keelson_workflow_parked_starts set retry_at = 0 where log = $1 and workflow = $2',
    [log, workflow],
  )
  return affected
}
