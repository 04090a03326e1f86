/**
 * A contract: the name, version, operations and events of a service. Pure data that any package, page or team may import; everything that
 * is made of it (facade, REST, OpenAPI, command line, mock) is made elsewhere.
 */
import { kernelErrors } from '../errors.ts'
import { jsonSchemaOf, type Parsed, type Schema } from '../schema/schema.ts'
import { callerOf } from './caller-of.ts'
import type { Operation, Operations } from './operation.ts'

/** Words of every facade: an operation may not take one of them. */
export const facadeWords = [
  'name',
  'status',
  'config',
  'initialize',
  'health',
  'metrics',
  'cleanup',
  'service',
  'then',
] as const
export type FacadeWord = (typeof facadeWords)[number]

/** The events of a contract: what each carries, by name. */
export type EventValues = Readonly<Record<string, unknown>>
type NoEvents = Record<never, never>

export interface Contract<
  Name extends string = string,
  Ops extends Operations = Operations,
  Events extends EventValues = EventValues,
> {
  readonly kind: 'contract'
  readonly name: Name
  /** Semantic version. */
  readonly version: string
  readonly operations: Ops
  /** What the service tells others has happened: names and schemas. Publishing them is the business of whoever has a bus. */
  readonly events: { readonly [Event in keyof Events]: Schema<unknown, Events[Event]> }
}

/** What one event of a contract carries: `EventOf<typeof Notes, 'NoteAdded'>`. */
export type EventOf<C extends Contract, Name extends keyof C['events']> = Parsed<C['events'][Name]>

type Allowed<Ops> = {
  [Name in keyof Ops]: Name extends FacadeWord
    ? `'${Name}' is a word of the facade; choose another name`
    : Name extends keyof object | 'constructor' | 'toJSON'
      ? `'${Name & string}' is a name of every object; choose another name`
      : Ops[Name]
}

/**
 * Declares a contract. Refuses, with CONTRACT_INVALID or SCHEMA_WITHOUT_JSON, a name that is not kebab-case, a version that is not
 * semantic, an operation named like a word of the facade or of every object, an error code that is not UPPER_CASE, an event that is not
 * PascalCase, a schema that has no JSON form, and an annotation that cannot stand where it does. The error names the line of the definition where the engine knows it.
 *
 * @example
 * export const Greeter = defineContract('greeter', '1.0.0', {
 *   greet: query({ input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) }),
 * })
 */
export function defineContract<
  const Name extends string,
  const Ops extends Operations,
  const Events extends Readonly<Record<string, Schema>> = NoEvents,
>(
  name: Name,
  version: string,
  operations: Ops & Allowed<Ops>,
  more: { readonly events?: Events } = {},
): Contract<Name, Ops, { readonly [Event in keyof Events]: Parsed<Events[Event]> }> {
  const place = callerOf(defineContract)
  const refuse = (reason: string) =>
    kernelErrors.CONTRACT_INVALID({ contract: String(name), reason, ...(place && { place }) })
  const at = place ? ` (${place})` : ''
  const events: Readonly<Record<string, Schema>> = more.events ?? {}
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) throw refuse('a name is lower-case words joined by hyphens')
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) throw refuse(`"${version}" is not a semantic version`)
  if (hasForeignPrototype(operations) || hasForeignPrototype(events))
    throw refuse('operations and events are plain objects, and nothing in them is called "__proto__"')
  for (const [operationName, operation] of Object.entries<Operation>(operations)) {
    const reason = whyNotAnOperation(operationName, operation)
    if (reason) throw refuse(reason)
    describe(`${name}.${operationName}`, operation, at)
  }
  const misplaced = whyNotAnnotated(operations)
  if (misplaced !== undefined) throw refuse(misplaced)
  for (const [event, schema] of Object.entries(events)) {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(event)) throw refuse(`"${event}" is not a PascalCase event name`)
    jsonSchemaOf(schema, 'output', `${name} event ${event}${at}`)
  }
  // The schemas of `Events` parse to the values that the mapped type names.
  return { kind: 'contract', name, version, operations, events } as Contract<
    Name,
    Ops,
    { readonly [Event in keyof Events]: Parsed<Events[Event]> }
  >
}

/** `{ __proto__: … }` in a literal sets the prototype: the operation would be lost without a word. */
function hasForeignPrototype(record: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(record)
  return prototype !== Object.prototype && prototype !== null
}

function whyNotAnOperation(name: string, operation: Operation): string | undefined {
  if ((facadeWords as readonly string[]).includes(name)) return `"${name}" is a word of the facade`
  if (name in Object.prototype || name === 'toJSON') return `"${name}" is a name of every object`
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) return `"${name}" is not a camelCase operation name`
  const code = Object.keys(operation.errors).find((one) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(one))
  return code === undefined ? undefined : `"${code}" of ${name} is not an UPPER_CASE error code`
}

function whyNotAnnotated(operations: Operations): string | undefined {
  const checks = new Set(
    Object.values(operations).flatMap(({ annotations }) => annotations.map(({ whyNot }) => whyNot)),
  )
  for (const whyNot of checks) {
    const reason = whyNot?.(operations)
    if (reason !== undefined) return reason
  }
  return undefined
}

/** Makes every JSON Schema of an operation once, so that what has none is refused here. */
function describe(subject: string, { input, output, errors }: Operation, at: string): void {
  if (input) jsonSchemaOf(input, 'input', `${subject} input${at}`)
  if (output) jsonSchemaOf(output, 'output', `${subject} output${at}`)
  for (const [code, { details }] of Object.entries(errors))
    if (details) jsonSchemaOf(details, 'output', `${subject} error ${code}${at}`)
}
