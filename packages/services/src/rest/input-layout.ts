/**
 * How the input of an operation is laid out over path, query string and body of its route. The client that writes a request, the route that
 * reads it and OpenAPI all ask here, so that the three cannot differ.
 */
import {
  isRecord,
  type JsonSchema,
  jsonSchemaOf,
  type Operation,
  partsOf,
  propertiesOf,
  propertyAt,
  requiredOf,
  typesOf,
} from '@keelson/kernel'
import { namesInRoutePath } from '../listener/route-path.ts'
import type { HttpRoute } from './http-route.ts'

/** Where an input travels. `form` does not travel: it says in which form the raw body is handed on, and shows in the body. */
export type InputPlace = 'path' | 'query' | 'field' | 'json' | 'text' | 'form'

/** What a request carries: fields of a JSON object, one input as JSON, one input as raw text or bytes, or nothing. */
export type BodyKind = 'fields' | 'json' | 'text' | 'none'

export interface InputLayout {
  readonly route: HttpRoute
  /** The JSON Schema of the whole input, which its parts refer into; undefined when the operation takes none. */
  readonly root: JsonSchema | undefined
  /** Every input that has a name, with its schema. */
  readonly inputs: ReadonlyMap<string, JsonSchema>
  readonly required: ReadonlySet<string>
  /** Names beyond `inputs` are allowed. */
  readonly isOpen: boolean
  readonly body: BodyKind
  /** Some input is a field of the body, so that there is a body even when all are left out. */
  readonly hasFields: boolean
  placeOf(name: string): InputPlace
  /** The schema of one input, named or not; undefined when there is none of this name. */
  schemaOf(name: string): JsonSchema | undefined
}

/** The layout of an operation's input over a route. `subject` names the operation in errors. */
export function layoutOf({ input }: Operation, route: HttpRoute, subject: string): InputLayout {
  const root = input && jsonSchemaOf(input, 'input', subject)
  const inputs = new Map(Object.entries(propertiesOf(root)))
  const path = new Set(namesInRoutePath(route.path))
  const body = bodyKindOf(route)
  const query = new Set(route.options.query)
  const isOpen = partsOf([root], root ?? {}).some(isOpenObject)
  function placeOf(name: string): InputPlace {
    if (path.has(name)) return 'path'
    if (route.options.body === name) return 'text'
    if (route.options.base64 === name) return 'form'
    if (route.options.json === name) return 'json'
    return body === 'fields' && !query.has(name) ? 'field' : 'query'
  }
  return {
    route,
    root,
    inputs,
    required: requiredOf(root),
    isOpen,
    body,
    hasFields: body === 'fields' && (isOpen || [...inputs.keys()].some((name) => placeOf(name) === 'field')),
    placeOf,
    schemaOf: (name) => inputs.get(name) ?? (root && propertyAt(root, root, name)),
  }
}

function bodyKindOf({ method, options }: HttpRoute): BodyKind {
  if (options.body !== undefined) return 'text'
  if (options.json !== undefined) return 'json'
  return method === 'GET' || method === 'DELETE' ? 'none' : 'fields'
}

function isOpenObject({ additionalProperties, patternProperties }: JsonSchema): boolean {
  return isRecord(additionalProperties) || additionalProperties === true || isRecord(patternProperties)
}

/** Why the input of an operation cannot travel over its route; undefined when it can. */
export function whyNoLayout(operation: Operation, route: HttpRoute, subject: string): string | undefined {
  const layout = layoutOf(operation, route, subject)
  const { inputs, isOpen } = layout
  const { body, base64, json, query = [], status, location } = route.options
  const named = namesInRoutePath(route.path)
  const all = [...named, ...query, ...[body, base64, json].filter((name) => name !== undefined)]
  const unknown = isOpen ? undefined : all.find((name) => !inputs.has(name))
  if (unknown !== undefined) return `it has no input "${unknown}"`
  const twice = all.find((name, at) => all.indexOf(name) !== at)
  if (twice !== undefined) return `its input "${twice}" cannot travel in two places`
  if (body !== undefined && json !== undefined) return 'it cannot have both a raw and a JSON body'
  if (base64 !== undefined && body === undefined) return '"base64" says something of "body", which is not there'
  if (route.method === 'GET' && (body !== undefined || json !== undefined)) return 'a GET carries no body'
  const notText = body !== undefined && !admits(layout, body, 'string')
  if (notText) return `its input "${body}" is no text, and cannot be the raw body`
  const list = named.find((name) => !['string', 'number', 'boolean'].some((type) => admits(layout, name, type)))
  if (list !== undefined) return `its input "${list}" cannot be a part of a path`
  if (status !== undefined && !(status >= 200 && status < 300)) return `${status} is no status of success`
  if ((status === 204 || status === 205) && operation.output) return `${status} carries no output`
  return location === undefined ? undefined : whyNoLocation(location, operation, subject)
}

function admits({ root, schemaOf }: InputLayout, name: string, type: string): boolean {
  return [...typesOf(schemaOf(name), root)].some((one) => one === type)
}

function whyNoLocation(location: string, { output }: Operation, subject: string): string | undefined {
  const schema = output && jsonSchemaOf(output, 'output', subject)
  const fields = propertiesOf(schema)
  const missing = [...location.matchAll(/\{(\w+)\}/g)].find(([, name = '']) => !Object.hasOwn(fields, name))?.[1]
  return missing === undefined ? undefined : `its output has no "${missing}" for the Location header`
}
