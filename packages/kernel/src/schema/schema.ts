/**
 * Standard Schema V1 (standardschema.dev) with its JSON Schema part: the whole of what the kernel knows of validators, so that zod,
 * valibot, arktype or any other can describe an operation and none is a dependency.
 */
import { kernelErrors } from '../errors.ts'
import { reasonOf } from '../reason-of.ts'

export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly jsonSchema?: {
      readonly input: (options: { target: 'draft-2020-12' }) => Record<string, unknown>
      readonly output: (options: { target: 'draft-2020-12' }) => Record<string, unknown>
    }
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}

/** What a caller gives: the type before parsing. */
export type Given<S extends Schema> = NonNullable<S['~standard']['types']>['input']
/** What parsing gives: defaults filled in, unknown keys gone. */
export type Parsed<S extends Schema> = NonNullable<S['~standard']['types']>['output']

/** One thing wrong with a value: where (`hits.0.score`, empty for the value itself) and what. */
export type Problem = { readonly path: string; readonly message: string }

export function problemsOf(issues: readonly SchemaIssue[]): Problem[] {
  return issues.map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message: issue.message,
  }))
}

/** A JSON Schema (draft 2020-12). Read-only by agreement: it is cached per schema. */
export type JsonSchema = Readonly<Record<string, unknown>>

const inputSchemas = new WeakMap<Schema, JsonSchema>()
const outputSchemas = new WeakMap<Schema, JsonSchema>()

/** The JSON Schema of what is given to (`input`) or comes out of (`output`) a schema. Rejects what has no wire form with SCHEMA_WITHOUT_JSON. */
export function jsonSchemaOf(schema: Schema, side: 'input' | 'output', subject: string): JsonSchema {
  const cache = side === 'input' ? inputSchemas : outputSchemas
  const known = cache.get(schema)
  if (known) return known
  const { jsonSchema, vendor } = schema['~standard']
  if (!jsonSchema) throw kernelErrors.SCHEMA_WITHOUT_JSON({ subject, reason: whatToDo(vendor) })
  try {
    const { $schema: _, ...given } = jsonSchema[side]({ target: 'draft-2020-12' })
    const made = side === 'input' ? withoutRootReference(given) : given
    cache.set(schema, made)
    return made
  } catch (cause) {
    const reason = reasonOf(cause)
    throw kernelErrors.SCHEMA_WITHOUT_JSON({ subject, reason }, { cause })
  }
}

/** The fields of an input are what REST and the command line are made of: a schema with a name of its own must show them too. */
function withoutRootReference(schema: Record<string, unknown>): Record<string, unknown> {
  const { $ref: reference, $defs: definitions } = schema
  const name = typeof reference === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(reference)?.[1] : undefined
  if (name === undefined || typeof definitions !== 'object' || definitions === null) return schema
  const found: unknown = Reflect.get(definitions, name)
  return typeof found === 'object' && found !== null ? { ...found, $defs: definitions } : schema
}

function whatToDo(vendor: string): string {
  return vendor === 'valibot'
    ? 'valibot offers no Standard JSON Schema by itself; wrap the schema in toStandardJsonSchema of @valibot/to-json-schema'
    : `${vendor} offers no Standard JSON Schema; use a version or a wrapper that does, or another validator (zod 4.2, arktype 2.1.28 and later do)`
}
