/** What a projection is: which events it reads, the tables it keeps, and what each event means for them. */
import type { Queryable, Statement } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { EventIn, EventTypes } from '../event-types.ts'
import type { RecordedEvent } from '../store/event.ts'

export interface ProjectionDefinition<Types extends EventTypes> {
  /** Lower-case letters, digits and `_`; it names checkpoints and metrics. */
  readonly name: string
  /** Raised when the tables or what events mean for them change: new tables are filled beside the old ones and take their place. */
  readonly version: number
  readonly events: Types
  /**
   * Its tables: the name that queries use, and the statements that make the table under the name it is given. A query reads a view of that
   * name, so that a rebuild takes the place of what it replaces between two statements.
   */
  readonly tables: Readonly<Record<string, (table: string) => readonly string[]>>
  /**
   * What an event changes, as statements: a whole page of events travels in one message. Pure: it is called again when a page is repeated.
   * The name of a table is asked for, since it differs while it is rebuilt.
   */
  readonly project: (event: EventIn<Types>, table: TableName) => Statement | readonly Statement[] | undefined
  /** Changes that have to read first. Runs in the same transaction after the statements of `project` for the same page, and awaits only that. */
  readonly apply?: (events: readonly EventIn<Types>[], change: Change) => Promise<void>
  /** Called after the commit, at most once per event, never during a rebuild: for a cache to drop or a client to tell. What must not be lost is a process or a message. */
  readonly effect?: (event: EventIn<Types>) => void | Promise<void>
  /** Events with the same key are handled in order, those with different keys maybe by different partitions. Default: the stream. */
  readonly partitionBy?: (event: EventIn<Types>) => string
  /** How many processes can share the work. Default 1. */
  readonly partitions?: number
}

/** The table that stands for `name` now. */
export type TableName = (name: string) => string

export interface Change extends Queryable {
  readonly table: TableName
}

/** Types are erased: what runs projections holds many. */
export interface Projection {
  readonly name: string
  readonly version: number
  readonly types: readonly string[]
  readonly tables: ProjectionDefinition<EventTypes>['tables']
  readonly partitions: number
  readonly hasApply: boolean
  /** Throws what decoding or the definition throws. */
  statements(event: RecordedEvent, table: TableName): readonly Statement[]
  apply(events: readonly RecordedEvent[], change: Change): Promise<void>
  effect(event: RecordedEvent): void | Promise<void>
  /** What orders the event among others. That of an event that cannot be read is its stream. */
  keyOf(event: RecordedEvent): string
}

const plainName = /^[a-z][a-z0-9_]{0,39}$/
const mostPartitions = 64

/**
 * Declares a projection. Throws EVENTS_PROJECTION_INVALID.
 *
 * @example
 * defineProjection({
 *   name: 'order_totals', version: 1, events: OrderEvents,
 *   tables: { order_totals: (table) => [`create table ${table} (id text primary key, total int not null)`] },
 *   project: (event, table) => event.type === 'OrderPlaced'
 *     ? { sql: `insert into ${table('order_totals')} values ($1, $2)`, parameters: [event.stream, event.data.total] }
 *     : undefined,
 * })
 */
export function defineProjection<Types extends EventTypes>(definition: ProjectionDefinition<Types>): Projection {
  const { name, version, events, tables, partitionBy, partitions = 1 } = definition
  requireValid(name, version, Object.keys(tables), partitions)
  // What `decode` gives is an event of these types.
  const decode = (event: RecordedEvent) => events.decode(event) as EventIn<Types>
  return {
    name,
    version,
    types: events.names,
    tables,
    partitions,
    hasApply: definition.apply !== undefined,
    statements: (event, table) => {
      const statements = definition.project(decode(event), table) ?? []
      return 'sql' in statements ? [statements] : statements
    },
    apply: async (page, change) => {
      await definition.apply?.(page.map(decode), change)
    },
    effect: (event) => definition.effect?.(decode(event)),
    keyOf: (event) => {
      if (!partitionBy) return event.stream
      try {
        return partitionBy(decode(event))
      } catch {
        return event.stream
      }
    },
  }
}

function requireValid(name: string, version: number, tables: readonly string[], partitions: number): void {
  const refuse = (reason: string): never => {
    throw eventsErrors.EVENTS_PROJECTION_INVALID({ projection: name, reason })
  }
  if (!plainName.test(name)) refuse('its name has 1 to 40 lower-case letters, digits and _')
  if (!Number.isInteger(version) || version < 1) refuse('its version is a whole number from 1')
  if (tables.length === 0) refuse('it keeps no table')
  const bad = tables.find((table) => !plainName.test(table))
  if (bad !== undefined) refuse(`the table name "${bad}" is not of 1 to 40 lower-case letters, digits and _`)
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > mostPartitions)
    refuse(`it has 1 to ${mostPartitions} partitions`)
}

/** Which of `partitions` a key belongs to: the same in every process (FNV-1a). */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % partitions
}
