/**
 * The named schemas of an OpenAPI document. What the schemas of a contract call by reference becomes a component: under its own name where
 * that is legal and free, else with the operation's in front.
 */
import { isRecord, type JsonSchema, referenceTarget } from '@keelson/kernel'

/** Keywords by what they hold. Everything else is data, in which nothing is a reference. */
const holdsSchemas = new Set(['properties', 'patternProperties', 'dependentSchemas'])
const holdsList = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const holdsOne = new Set(
  `items additionalProperties propertyNames contains not if then else unevaluatedItems unevaluatedProperties
  contentSchema`.split(/\s+/),
)
/** Legal in the schema's own document, and without meaning in another. */
const ofDocuments = new Set(['$schema', '$id', '$anchor', '$defs', 'definitions'])

export class Components {
  readonly schemas: Record<string, unknown>
  /** What each component was made from, with all that it refers to. */
  readonly #sources = new Map<string, string>()
  readonly #names = new WeakMap<JsonSchema, Map<string, string>>()

  constructor(schemas: Readonly<Record<string, JsonSchema>>) {
    this.schemas = { ...schemas }
  }

  /** `schema` as it can stand in the document. `root` is what its references point into, `subject` the name of what it describes. */
  place(schema: JsonSchema, root: JsonSchema, subject: string): JsonSchema {
    const made: Record<string, unknown> = {}
    const within = (inner: unknown) => (isRecord(inner) ? this.place(inner, root, subject) : inner)
    for (const [key, value] of Object.entries(schema)) {
      if (ofDocuments.has(key)) continue
      if (key === '$ref' && typeof value === 'string') {
        const name = this.#nameOf(value, root, subject)
        if (name !== undefined) made[key] = `#/components/schemas/${name}`
      } else if (holdsOne.has(key)) made[key] = within(value)
      else if (holdsList.has(key) && Array.isArray(value)) made[key] = value.map(within)
      else if (holdsSchemas.has(key) && isRecord(value))
        made[key] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, within(inner)]))
      else made[key] = value
    }
    return made
  }

  /** The component that a reference stands for, made when it is first asked for. */
  #nameOf(reference: string, root: JsonSchema, subject: string): string | undefined {
    const names = this.#names.get(root) ?? new Map<string, string>()
    this.#names.set(root, names)
    const known = names.get(reference)
    if (known !== undefined) return known
    const target = referenceTarget(reference, root)
    if (!isRecord(target)) return undefined
    const source = JSON.stringify(reachable(target, root))
    const name = this.#freeName(reference, subject, source)
    names.set(reference, name)
    if (!this.#sources.has(name)) {
      this.#sources.set(name, source)
      this.schemas[name] = this.place(target, root, subject)
    }
    return name
  }

  #freeName(reference: string, subject: string, source: string): string {
    const given = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(reference)?.[1]
    // What validators number themselves says nothing outside its schema.
    const own = given !== undefined && !/^(__schema)?\d*$/.test(given) ? legal(given) : ''
    const long = `${subject}${pascal(reference.replace(/^#\/(\$defs|definitions)\//, ''))}`
    const candidates = [...(own ? [own] : []), long, ...Array.from({ length: 1_000 }, (_, n) => `${long}${n + 2}`)]
    const isFree = (name: string) => !Object.hasOwn(this.schemas, name) || this.#sources.get(name) === source
    return candidates.find(isFree) ?? long
  }
}

/** A schema and everything that it refers to: two are the same component when these are equal. */
function reachable(schema: JsonSchema, root: JsonSchema): unknown[] {
  const found = new Map<string, unknown>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    if (!isRecord(value)) return
    const reference = value['$ref']
    if (typeof reference === 'string' && !found.has(reference)) {
      const target = referenceTarget(reference, root)
      found.set(reference, target)
      visit(target)
    }
    Object.values(value).forEach(visit)
  }
  visit(schema)
  return [schema, ...found]
}

/** The letters that a component's name may have; empty when hardly any is left. */
function legal(name: string): string {
  const kept = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
  return /^[\w.-]+$/.test(kept) ? kept : pascal(kept)
}

export function pascal(name: string): string {
  return name
    .replace(/(^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, __, letter: string) => letter.toUpperCase())
    .replace(/[^A-Za-z0-9]/g, '')
}
