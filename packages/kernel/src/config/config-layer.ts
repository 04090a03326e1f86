/**
 * Layers of configuration and how they become one: later ones win value by value. Objects whose keys the schema names are merged; lists
 * and nested maps are replaced whole. Nothing is taken from a prototype and nothing reaches one.
 */
import { isPlainObject } from '../schema/json-value.ts'
import { type JsonSchema, jsonSchemaOf, type Schema } from '../schema/schema.ts'
import { isRecord, partsOf, propertiesOf } from '../schema/schema-parts.ts'

/** Values of one origin, by section: `{ listener: { port: 4000 } }`. */
export interface ConfigLayer {
  /** Where the values come from, for messages: `keelson.json`, `command line`. */
  readonly name: string
  readonly values: unknown
  /** A more precise origin of single values by dotted path, such as the name of a variable. */
  readonly sources?: ReadonlyMap<string, string>
}

/** What every section must look like, by section name (a service or adapter name). */
export type ConfigSections = Readonly<Record<string, Schema>>

/** All layers as one, not validated yet. */
export interface MergedConfig {
  readonly values: ReadonlyMap<string, Record<string, unknown>>
  /** Where each value came from, by dotted path. */
  readonly origins: ReadonlyMap<string, string>
}

/** Nothing that people write is nested deeper; what is would end in the stack of some recursion. */
const deepest = 64

/** Merges; adds a problem to `problems` for each section nobody has, each key its schema does not know and each value that is no data. */
export function mergeLayers(
  sections: ConfigSections,
  layers: readonly ConfigLayer[],
  problems: string[],
): MergedConfig {
  const values = new Map<string, Record<string, unknown>>(Object.keys(sections).map((name) => [name, {}]))
  const origins = new Map<string, string>()
  for (const layer of layers) {
    const given = snapshot(layer.values, layer.name, problems)
    for (const [section, inner] of entriesOf(given, '', layer.name, problems)) {
      const target = values.get(section)
      const schema = ownValue(sections, section)
      if (!target || !schema)
        problems.push(`${section}: no service or adapter of this system has this name (${layer.name})`)
      else merge(target, inner, placeOf(sectionSchema(section, schema)), section, layer, origins, problems)
    }
  }
  return { values, origins }
}

/** The JSON Schema of what a section is given. Throws SCHEMA_WITHOUT_JSON. */
export function sectionSchema(section: string, schema: Schema): JsonSchema {
  return jsonSchemaOf(schema, 'input', `${section} configuration`)
}

/** The origin of the value at `place`, or of the whole that it is part of: a list, or an object that lacks it. */
export function originOf(place: string, origins: ReadonlyMap<string, string>): string {
  for (let path = place; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
    const origin = origins.get(path)
    if (origin !== undefined) return origin
  }
  return 'defaults'
}

/** Names come from outside: `constructor` must not find what every object inherits. */
export function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/**
 * A copy of objects and lists, so that whoever made the values cannot change them later; what is undefined counts as left out. What cannot
 * be copied (a circle, too deep nesting) and the key `__proto__` become problems and are left out.
 */
export function snapshot(given: unknown, layer: string, problems: string[], at = ''): unknown {
  const inside = new Set<unknown>()
  const copy = (value: unknown, path: string): unknown => {
    if (!Array.isArray(value) && !isPlainObject(value)) return value
    const refuse = (reason: string) => void problems.push(`${path || 'the configuration'}: ${reason} (${layer})`)
    if (inside.has(value)) return refuse('it contains itself')
    if (inside.size >= deepest) return refuse(`nested deeper than ${deepest} levels`)
    inside.add(value)
    const made = Array.isArray(value) ? value.map((item, at) => copy(item, join(path, String(at)))) : copyObject(value)
    inside.delete(value)
    return made

    function copyObject(object: Record<string, unknown>): Record<string, unknown> {
      const target: Record<string, unknown> = {}
      for (const [key, inner] of Object.entries(object)) {
        const place = join(path, key)
        if (key === '__proto__') problems.push(`${place}: this name is not allowed (${layer})`)
        else if (inner !== undefined) target[key] = copy(inner, place)
      }
      return target
    }
  }
  return copy(given, at)
}

/** A schema and the document that its references point into. */
interface Place {
  readonly schema: JsonSchema
  readonly root: JsonSchema
}

function placeOf(root: JsonSchema): Place {
  return { schema: root, root }
}

/** The properties of an object that is not one of several. */
function ownProperties(schema: JsonSchema, root: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return schema['anyOf'] === undefined && schema['oneOf'] === undefined ? propertiesOf(schema, root) : {}
}

function isMap({ additionalProperties }: JsonSchema): boolean {
  return isRecord(additionalProperties) || additionalProperties === true
}

function merge(
  target: Record<string, unknown>,
  values: unknown,
  { schema, root }: Place,
  path: string,
  layer: ConfigLayer,
  origins: Map<string, string>,
  problems: string[],
): void {
  const properties = ownProperties(schema, root)
  // A schema without `properties` is a map or a choice between several: which keys it takes is for the validator to say.
  const isOpen = Object.keys(properties).length === 0 || partsOf([schema], root).some(isMap)
  for (const [key, value] of entriesOf(values, path, layer.name, problems)) {
    const place = `${path}.${key}`
    const property = ownValue(properties, key)
    if (!property && !isOpen) {
      problems.push(`${place}: unknown (${layer.name})`)
      continue
    }
    origins.set(place, layer.sources?.get(place) ?? layer.name)
    const before = ownValue(target, key)
    if (property && isRecord(value) && Object.keys(ownProperties(property, root)).length > 0) {
      const nested = isRecord(before) ? before : {}
      target[key] = nested
      merge(nested, value, { schema: property, root }, place, layer, origins, problems)
    } else target[key] = value
  }
}

function entriesOf(values: unknown, path: string, layer: string, problems: string[]): [string, unknown][] {
  if (isPlainObject(values)) return Object.entries(values)
  if (values !== undefined) problems.push(`${path || 'the configuration'}: an object is needed (${layer})`)
  return []
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key
}
