/**
 * What the events of a log mean: the schema of each type, its version, and the steps from earlier versions. The store keeps JSON; this is
 * where JSON becomes typed events and back, so that old events are read by today's code and none is ever rewritten.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Given, isRecord, type Parsed, type Problem, problemsOf, reasonOf, type Schema } from '@keelson/kernel'
import { eventsErrors } from './errors.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from './store/event.ts'

/** One type of event, as `event` declares it. */
export interface EventType<S extends Schema = Schema> {
  readonly data: S
  /** Of the form of its data, raised with each change that old data does not fit. */
  readonly version: number
  readonly upcasts: Upcasts
  /** Names it was stored under before. */
  readonly formerly: readonly string[]
}

/** By version: how data of that version becomes data of the next. */
export type Upcasts = Readonly<Record<number, (data: unknown, event: RecordedEvent) => unknown>>

/**
 * Declares a type of event.
 *
 * @example
 * event(z.object({ total: z.number(), currency: z.string() }), { version: 2, upcasts: { 1: (data) => ({ ...Object(data), currency: 'EUR' }) } })
 */
export function event<S extends Schema>(
  data: S,
  options: { readonly version?: number; readonly upcasts?: Upcasts; readonly formerly?: readonly string[] } = {},
): EventType<S> {
  return { data, version: options.version ?? 1, upcasts: options.upcasts ?? {}, formerly: options.formerly ?? [] }
}

type Definitions = Readonly<Record<string, EventType>>

/** An event to be appended: its data is what the schema takes. */
export type NewEventOf<D extends Definitions> = {
  [Type in keyof D & string]: {
    readonly type: Type
    readonly data: Given<D[Type]['data']>
    readonly id?: string
    readonly metadata?: EventMetadata
    readonly tags?: readonly string[]
  }
}[keyof D & string]

/** An event that was read: its data is what the schema gives. */
export type EventOf<D extends Definitions> = {
  [Type in keyof D & string]: Omit<RecordedEvent, 'type' | 'data'> & {
    readonly type: Type
    readonly data: Parsed<D[Type]['data']>
  }
}[keyof D & string]

/** The types of events that belong together. `Read` and `New` are unions of their events. */
export interface EventTypes<Read extends RecordedEvent = RecordedEvent, New extends NewEvent = NewEvent> {
  /** Names that a feed is asked for: all types, former names included. */
  readonly names: readonly string[]
  /** Checks the data. Throws EVENTS_TYPE_UNKNOWN or EVENTS_PAYLOAD_INVALID. */
  encode(event: New): NewEvent
  /** Today's form of what is stored. Throws EVENTS_TYPE_UNKNOWN or EVENTS_UNREADABLE. */
  decode(event: RecordedEvent): Read
}

/** The events that are read of a set of types. */
export type EventIn<Types extends EventTypes> = ReturnType<Types['decode']>

/** The events that are made of a set of types. */
export type NewEventIn<Types extends EventTypes> = Parameters<Types['encode']>[0]

/**
 * Declares the types of events that belong together, by name.
 *
 * @example
 * const OrderEvents = defineEvents({
 *   OrderPlaced: event(z.object({ total: z.number() })),
 *   OrderPaid: event(z.object({ at: z.iso.datetime() })),
 * })
 */
export function defineEvents<const D extends Definitions>(definitions: D): EventTypes<EventOf<D>, NewEventOf<D>> {
  const types = new Map<string, { readonly name: string; readonly type: EventType }>()
  for (const [name, type] of Object.entries(definitions)) {
    requireSteps(name, type)
    for (const stored of [name, ...type.formerly]) {
      if (types.has(stored))
        throw eventsErrors.EVENTS_TYPES_INVALID({ type: name, reason: `"${stored}" is another one's name` })
      types.set(stored, { name, type })
    }
  }
  const typeOf = (stored: string) => {
    const found = types.get(stored)
    if (!found) throw eventsErrors.EVENTS_TYPE_UNKNOWN({ type: stored, known: Object.keys(definitions) })
    return found
  }
  return {
    names: [...types.keys()],
    encode: (given) => {
      const { name, type } = typeOf(given.type)
      // What was given is stored, not what parsing made of it: that may have no JSON.
      return { ...given, type: name, schemaVersion: type.version, data: readable(name, type, given.data) }
    },
    decode: (stored) => {
      const { name, type } = typeOf(stored.type)
      const data = upcast(stored, type)
      const parsed = parse(type.data, data)
      if (parsed.problems)
        throw unreadable(stored, parsed.problems.map(({ path, message }) => `${path || 'data'}: ${message}`).join('; '))
      // Type and data are those that the definition of this name pairs.
      return { ...stored, type: name, schemaVersion: type.version, data: parsed.value } as unknown as EventOf<D>
    },
  }
}

/** The JSON of what was given, from which the schema reads the same. Throws EVENTS_PAYLOAD_INVALID where it does not. */
function readable(name: string, { data: schema }: EventType, given: unknown): unknown {
  const refuse = (problems: readonly Problem[]) => eventsErrors.EVENTS_PAYLOAD_INVALID({ type: name, problems })
  const read = parse(schema, withoutUndefined(given))
  if (read.problems) throw refuse(read.problems)
  let json: unknown
  try {
    json = given === undefined ? null : JSON.parse(JSON.stringify(given))
  } catch (error) {
    throw refuse([{ path: '', message: `it has no JSON: ${reasonOf(error)}` }])
  }
  const again = parse(schema, json)
  const change = 'it would be read again as something else'
  if (again.problems)
    throw refuse(again.problems.map(({ path, message }) => ({ path, message: `${change}: ${message}` })))
  if (!isDeepStrictEqual(again.value, read.value)) throw refuse([{ path: '', message: change }])
  return json
}

/** Properties that are undefined are not there in JSON; neither are they to the schema, then. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (!isRecord(value) || Object.getPrototypeOf(value) !== Object.prototype) return value
  const there = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(there.map(([name, one]) => [name, withoutUndefined(one)]))
}

function requireSteps(name: string, { version, upcasts }: EventType): void {
  if (!Number.isInteger(version) || version < 1)
    throw eventsErrors.EVENTS_TYPES_INVALID({ type: name, reason: 'its version is a whole number from 1' })
  for (let from = 1; from < version; from++) {
    if (typeof upcasts[from] !== 'function')
      throw eventsErrors.EVENTS_TYPES_INVALID({ type: name, reason: `there is no upcast from version ${from}` })
  }
}

function upcast(stored: RecordedEvent, { version, upcasts }: EventType): unknown {
  if (stored.schemaVersion > version)
    throw unreadable(stored, `it is of version ${stored.schemaVersion}, this program knows ${version}`)
  if (stored.schemaVersion === version) return stored.data
  // An upcast may change what it is given: nobody else has it.
  const own = structuredClone(stored)
  let data = own.data
  for (let from = stored.schemaVersion; from < version; from++) {
    try {
      data = upcasts[from]?.(data, own)
    } catch (cause) {
      throw unreadable(stored, `the upcast from version ${from} threw: ${reasonOf(cause)}`)
    }
  }
  return data
}

type ParseResult =
  | { readonly value: unknown; readonly problems?: undefined }
  | { readonly problems: readonly Problem[] }

function parse(schema: Schema, data: unknown): ParseResult {
  const result = schema['~standard'].validate(data)
  if (result instanceof Promise)
    return { problems: [{ path: '', message: 'the schema of an event cannot be asynchronous' }] }
  return result.issues ? { problems: problemsOf(result.issues) } : { value: result.value }
}

function unreadable({ stream, version, type }: RecordedEvent, reason: string): Error {
  return eventsErrors.EVENTS_UNREADABLE({ stream, version, type, reason })
}
