/** The input of an operation in OpenAPI: its parameters and its body, as `input-layout.ts` lays them out and `request-input.ts` reads them. */
import { isRecord, type JsonSchema, propertiesOf, referenceTarget, typesOf } from '@keelson/kernel'
import { namesInRoutePath } from '../../listener/route-path.ts'
import type { InputLayout } from '../input-layout.ts'
import type { Components } from './openapi-components.ts'

type Document = Record<string, unknown>

/** @param path the document's path, whose parameters may have other names than the route's. */
export function describeParameters(
  layout: InputLayout,
  path: string,
  components: Components,
  subject: string,
): Document[] {
  const { root = {}, inputs, required, route } = layout
  const names = new Map(namesInRoutePath(route.path).map((name, at) => [name, namesInRoutePath(path)[at] ?? name]))
  const parameters = [...inputs].flatMap(([name, schema]) => {
    const place = layout.placeOf(name)
    if (place !== 'path' && place !== 'query') return []
    const { description, ...rest } = schema
    return {
      name: (place === 'path' && names.get(name)) || name,
      in: place,
      required: place === 'path' || required.has(name),
      ...(description !== undefined && { description }),
      ...describeText(components.place(rest, root, subject), typesOf(schema, root), place),
    }
  })
  return layout.isOpen && layout.body !== 'fields' ? [...parameters, othersOf(layout, components, subject)] : parameters
}

/** A list is repeated parameters; objects, and lists elsewhere, are JSON; everything else is written as it is. */
function describeText(schema: JsonSchema, types: ReadonlySet<string>, place: 'path' | 'query'): Document {
  const isScalar = isAnyOf(types, ['string', 'number', 'boolean'])
  if (place === 'query' && types.has('array')) {
    const { items, ...rest } = schema
    return { style: 'form', explode: true, schema: items === undefined ? schema : { ...rest, items: itemText(items) } }
  }
  return isScalar ? { schema } : { content: { 'application/json': { schema } } }
}

function itemText(items: unknown): unknown {
  if (!isRecord(items) || items['$ref'] !== undefined || isAnyOf(typesOf(items), ['string', 'number', 'boolean']))
    return items
  return { type: 'string', contentMediaType: 'application/json', contentSchema: items }
}

function isAnyOf(types: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return wanted.some((type) => types.has(type))
}

/** Parameters of any name: an exploded object is its properties. */
function othersOf({ root = {}, inputs, schemaOf }: InputLayout, components: Components, subject: string): Document {
  let name = 'others'
  while (inputs.has(name)) name = `_${name}`
  const value = components.place(schemaOf(name) ?? {}, root, subject)
  return { name, in: 'query', style: 'form', explode: true, schema: { type: 'object', additionalProperties: value } }
}

/** Undefined when a request carries none. */
export function describeBody(layout: InputLayout, components: Components, subject: string): Document | undefined {
  const { root, inputs, required, body, hasFields, route } = layout
  if (body === 'text') {
    const { body: name = '', base64 } = route.options
    // Bytes have no schema in OpenAPI 3.1: all that is said of them is their media type.
    return { required: required.has(name), content: { '*/*': { schema: base64 ? {} : { type: 'string' } } } }
  }
  if (!root) return undefined
  if (body === 'json') {
    const { json: name = '' } = route.options
    const schema = components.place(layout.schemaOf(name) ?? {}, root, subject)
    return { required: required.has(name), content: { 'application/json': { schema } } }
  }
  if (!hasFields) return undefined
  const elsewhere = new Set([...inputs.keys()].filter((name) => layout.placeOf(name) !== 'field'))
  const schema = components.place(without(root, root, elsewhere), root, subject)
  const isRequired = [...required].some((name) => !elsewhere.has(name))
  return { required: isRequired, content: { 'application/json': { schema } } }
}

/** An object schema without some of its properties, in each of its alternatives and parts too. */
function without(
  schema: unknown,
  root: JsonSchema,
  names: ReadonlySet<string>,
  seen: ReadonlySet<unknown> = new Set(),
): JsonSchema {
  if (!isRecord(schema) || seen.has(schema)) return isRecord(schema) ? schema : {}
  if (!Object.keys(propertiesOf(schema, root)).some((name) => names.has(name))) return schema
  const within = (part: unknown) => without(part, root, names, new Set([...seen, schema]))
  const { $ref: reference, properties, required, ...rest } = schema
  const kept = Object.entries(isRecord(properties) ? properties : {}).filter(([name]) => !names.has(name))
  const needed = Array.isArray(required) ? required.filter((name) => !names.has(name)) : []
  const combined = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) => {
    const parts = rest[keyword]
    return Array.isArray(parts) ? [[keyword, parts.map(within)] as const] : []
  })
  return {
    ...(typeof reference === 'string' && within(referenceTarget(reference, root))),
    ...rest,
    ...(isRecord(properties) && { properties: Object.fromEntries(kept) }),
    ...(needed.length > 0 && { required: needed }),
    ...Object.fromEntries(combined),
  }
}
