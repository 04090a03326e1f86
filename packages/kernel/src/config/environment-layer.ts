/**
 * The layer of environment variables: `documents.maxBytes` is `KEELSON_DOCUMENTS_MAX_BYTES`. A secret may come from a file instead, as
 * containers mount it, so that it stands in no process table: `KEELSON_STRIPE_KEY_FILE=/run/secrets/stripe-key`.
 */
import { coerceText } from '../schema/coerce.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { isRecord, propertiesOf } from '../schema/schema-parts.ts'
import { type ConfigLayer, type ConfigSections, sectionSchema } from './config-layer.ts'
import { setAt } from './paths-layer.ts'
import { isSecretSchema } from './redact.ts'
import { readTextFile } from './text-file.ts'

/** Environment variables as `process.env` has them. */
export type ConfigVariables = Readonly<Record<string, string | undefined>>

const secretBytesAtMost = 65_536

/**
 * Reads the variables that a section knows; others are left alone. Values take the type that the schema asks for. A secret's file that
 * cannot be read, or one that is named beside the variable itself, is added to `problems`.
 */
export async function environmentLayer(
  sections: ConfigSections,
  variables: ConfigVariables,
  problems: string[],
): Promise<ConfigLayer> {
  const values: Record<string, unknown> = Object.create(null)
  const sources = new Map<string, string>()
  const set = (path: readonly string[], variable: string, value: unknown) => {
    setAt(values, path, value)
    sources.set(path.join('.'), variable)
  }
  const settings = Object.entries(sections).flatMap(([section, schema]) => [
    ...settingsOf(sectionSchema(section, schema), [section]),
  ])
  const names = new Set(settings.map(({ variable }) => variable))
  const opaque: string[] = []
  for (const { path, variable, schema, root } of settings) {
    const place = path.join('.')
    // A whole that is given as something other than an object is a problem to be named; its parts must not hide it.
    if (opaque.some((whole) => place.startsWith(`${whole}.`))) continue
    const text = variables[variable]
    if (text !== undefined) {
      const value = coerceText(text, schema, root)
      set(path, variable, value)
      if (!isRecord(value)) opaque.push(place)
    }
    const fileVariable = `${variable}_FILE`
    const file = variables[fileVariable]
    // A setting of that very name (`key` beside `keyFile`) has the better claim to the variable.
    if (file === undefined || !holdsSecret(schema) || names.has(fileVariable)) continue
    if (text !== undefined) problems.push(`${place}: set ${variable} or ${fileVariable}, not both`)
    else {
      const secret = await readTextFile(file, secretBytesAtMost)
      // Editors and `echo` end a file with a newline, which is no part of the secret.
      if (secret.reason === undefined) set(path, fileVariable, secret.text.replace(/\r?\n$/, ''))
      else problems.push(`${place}: the file "${file}" cannot be read: ${secret.reason} (${fileVariable})`)
    }
  }
  return { name: 'environment', values, sources }
}

interface Setting {
  readonly path: readonly string[]
  readonly variable: string
  readonly schema: JsonSchema
  /** The document that references of the schema point into. */
  readonly root: JsonSchema
}

/** A section and everything in it that has a name, the whole before its parts, so that a part wins over the same part of the whole. */
function* settingsOf(
  schema: JsonSchema,
  path: readonly string[],
  root = schema,
  around: readonly string[] = [],
): Generator<Setting> {
  yield { path, variable: ['keelson', ...path].map(upperSnake).join('_'), schema, root }
  const text = JSON.stringify(schema)
  // A schema inside itself has settings without end.
  if (around.includes(text)) return
  for (const [key, property] of Object.entries(propertiesOf(schema, root)))
    yield* settingsOf(property, [...path, key], root, [...around, text])
}

function upperSnake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/-/g, '_')
    .toUpperCase()
}

/** A secret, or one that may also be null. */
function holdsSecret(schema: JsonSchema): boolean {
  const { anyOf } = schema
  return isSecretSchema(schema) || (Array.isArray(anyOf) && anyOf.some((one) => isRecord(one) && isSecretSchema(one)))
}
