/**
 * OpenAPI 3.1 from contracts: every operation with an `http()` annotation, its parameters, bodies and answers. JSON Schemas are taken as the
 * validators give them; named definitions move to `components/schemas`, and references follow.
 */
import { type Contract, isRecord, type JsonSchema, jsonSchemaOf, type Operation, propertiesOf } from '@keelson/kernel'
import { problemSchema, statusOf } from '../listener/problem.ts'
import { ServiceNames } from '../service/service-names.ts'
import { type HttpRoute, placeOf, readHttp } from './http.ts'

export interface OpenApiInfo {
  readonly title: string
  readonly version: string
}

type Document = Record<string, unknown>

/** Later major versions of a contract appear as `<name>-v<major>`. Throws COMPONENT_DUPLICATE when another contract is called that. */
export function openApiOf(info: OpenApiInfo, given: readonly Contract[], serverUrl?: string): Document {
  const names = new ServiceNames()
  const contracts = given.map((contract) => ({ ...contract, name: names.nameOf(contract) }))
  const schemas: Record<string, unknown> = { Problem: problemSchema }
  const paths: Record<string, Record<string, unknown>> = {}
  for (const contract of contracts) {
    for (const [name, operation] of Object.entries(contract.operations)) {
      const route = readHttp(operation)
      if (!route) continue
      paths[route.path] = {
        ...paths[route.path],
        [route.method.toLowerCase()]: describeOperation(contract, name, operation, route, schemas),
      }
    }
  }
  return {
    openapi: '3.1.0',
    info,
    ...(serverUrl && { servers: [{ url: serverUrl }] }),
    tags: contracts.map(({ name }) => ({ name })),
    paths,
    components: { schemas, responses: { Problem: problemResponse } },
  }
}

const problemResponse = {
  description: 'A named error',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function describeOperation(
  contract: Contract,
  name: string,
  operation: Operation,
  route: HttpRoute,
  schemas: Document,
): Document {
  const subject = pascal(contract.name) + pascal(name)
  const input = operation.input && hoist(jsonSchemaOf(operation.input, 'input', subject), `${subject}Input`, schemas)
  const properties = Object.entries(propertiesOf(input))
  const required = new Set(Array.isArray(input?.['required']) ? input['required'] : [])
  const parameters = properties
    .map(([key, schema]) => ({ key, schema, place: placeOf(route, key) }))
    .filter(({ place }) => place === 'path' || place === 'query')
    .map(({ key, place, schema: { description, ...schema } }) => ({
      name: key,
      in: place,
      required: place === 'path' || required.has(key),
      ...(description !== undefined && { description }),
      schema,
    }))
  const body = describeBody(input, route, required)
  return {
    operationId: `${contract.name}.${name}`,
    tags: [contract.name],
    summary: operation.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: describeResponses(operation, route, subject, schemas),
  }
}

function describeBody(
  input: JsonSchema | undefined,
  route: HttpRoute,
  required: ReadonlySet<unknown>,
): Document | undefined {
  const { body, base64, json } = route.options
  // Bytes have no schema in OpenAPI 3.1: what is said of them is their media type.
  if (body) return { required: true, content: { '*/*': { schema: base64 ? {} : { type: 'string' } } } }
  const properties = Object.entries(propertiesOf(input))
  if (json) {
    const schema = properties.find(([key]) => key === json)?.[1] ?? {}
    return { required: required.has(json), content: { 'application/json': { schema } } }
  }
  if (!input || route.method === 'GET' || route.method === 'DELETE') return undefined
  const fields = properties.filter(([key]) => placeOf(route, key) === 'field')
  const needed = fields.map(([key]) => key).filter((key) => required.has(key))
  const { required: _, ...rest } = input
  const schema = { ...rest, properties: Object.fromEntries(fields), ...(needed.length > 0 && { required: needed }) }
  return { required: needed.length > 0, content: { 'application/json': { schema } } }
}

function describeResponses(operation: Operation, { options }: HttpRoute, subject: string, schemas: Document): Document {
  const output =
    operation.output && hoist(jsonSchemaOf(operation.output, 'output', subject), `${subject}Output`, schemas)
  const status = String(options.status ?? (output ? 200 : 204))
  const contentType = operation.kind === 'subscription' ? 'text/event-stream' : 'application/json'
  const location = options.location && {
    headers: { Location: { schema: { type: 'string' }, description: options.location } },
  }
  return {
    [status]: {
      description:
        operation.kind === 'subscription'
          ? 'One event per item, its data as JSON; `event: end` after the last'
          : 'Success',
      ...location,
      ...(output && { content: { [contentType]: { schema: output } } }),
    },
    ...describeErrors(operation, subject, schemas),
    default: { $ref: '#/components/responses/Problem' },
  }
}

/** One response per status; several errors of one status are alternatives. */
function describeErrors(operation: Operation, subject: string, schemas: Document): Document {
  const byStatus = Map.groupBy(Object.entries(operation.errors), ([, { kind }]) => String(statusOf(kind)))
  return Object.fromEntries(
    [...byStatus].map(([status, errors]) => {
      const alternatives = errors.map(([code, { details }]) => {
        const name = `${subject}${pascal(code.toLowerCase())}Details`
        const schema = details && hoist(jsonSchemaOf(details, 'output', name), name, schemas)
        const properties = { code: { const: code }, ...(schema && { details: schema }) }
        const required = schema ? ['details'] : []
        return { allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', properties, required }] }
      })
      const description = errors.map(([code, { message }]) => `\`${code}\`: ${message}`).join('; ')
      const schema = alternatives.length === 1 ? alternatives[0] : { oneOf: alternatives }
      return [status, { description, content: { 'application/problem+json': { schema } } }]
    }),
  )
}

/**
 * A schema fit to stand inside the document: its `$defs` become components, a reference to itself (`#`) a component named `self`.
 * A definition whose name is taken by a different one gets the subject's name in front.
 */
function hoist(schema: JsonSchema, self: string, schemas: Document): JsonSchema {
  const { $defs, $schema: _, $id: __, ...rest } = schema
  const names = new Map<string, string>()
  for (const [name, definition] of Object.entries(isRecord($defs) ? $defs : {})) {
    const isTaken =
      name in schemas &&
      JSON.stringify(schemas[name]) !== JSON.stringify(rewrite(definition, self, new Map([[name, name]])))
    names.set(name, isTaken ? `${self}${pascal(name)}` : name)
  }
  for (const [name, definition] of Object.entries(isRecord($defs) ? $defs : {})) {
    schemas[names.get(name) ?? name] = rewrite(definition, self, names)
  }
  // `rewrite` keeps the shape of what it is given.
  const made = rewrite(rest, self, names) as JsonSchema
  if (!JSON.stringify(made).includes(`"#/components/schemas/${self}"`)) return made
  schemas[self] = made
  return made
}

function rewrite(value: unknown, self: string, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => rewrite(item, self, names))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== '$ref' || typeof inner !== 'string') return [key, rewrite(inner, self, names)]
      if (inner === '#') return [key, `#/components/schemas/${self}`]
      const name = inner.replace(/^#\/\$defs\//, '')
      return [key, `#/components/schemas/${names.get(name) ?? name}`]
    }),
  )
}

function pascal(name: string): string {
  return name.replace(/(^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, __, letter: string) => letter.toUpperCase())
}
