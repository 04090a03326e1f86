/**
 * OpenAPI 3.1 from contracts: every operation with an `http()` annotation, its parameters, bodies and answers. JSON Schemas are taken as the
 * validators give them; named definitions move to `components/schemas`, and references follow.
 */
import { type Contract, type JsonSchema, jsonSchemaOf, type Operation, type Schema } from '@keelson/kernel'
import { problemSchema, statusOf } from '../../listener/problem.ts'
import { routeShape } from '../../listener/route-path.ts'
import { ServiceNames } from '../../service/service-names.ts'
import { readHttp } from '../http.ts'
import type { HttpRoute } from '../http-route.ts'
import { layoutOf } from '../input-layout.ts'
import { Components, pascal } from './openapi-components.ts'
import { describeBody, describeParameters } from './openapi-input.ts'

export interface OpenApiInfo {
  readonly title: string
  readonly version: string
}

type Document = Record<string, unknown>

/** Later major versions of a contract appear as `<name>-v<major>`. Throws COMPONENT_DUPLICATE when another contract is called that. */
export function openApiOf(info: OpenApiInfo, given: readonly Contract[], serverUrl?: string): Document {
  const names = new ServiceNames()
  const contracts = given.map((contract) => ({ ...contract, name: names.nameOf(contract) }))
  const components = new Components({ Problem: problemSchema })
  const paths: Record<string, Record<string, unknown>> = {}
  const shapes = new Map<string, string>()
  for (const contract of contracts) {
    for (const [name, operation] of Object.entries(contract.operations)) {
      const route = readHttp(operation)
      if (!route) continue
      // Paths that differ in the names of parameters only are one.
      const path = shapes.get(routeShape(route.path)) ?? route.path
      shapes.set(routeShape(path), path)
      const described = describeOperation({ contract, name, operation, route, path, components })
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: described }
    }
  }
  return {
    openapi: '3.1.0',
    info,
    ...(serverUrl && { servers: [{ url: serverUrl }] }),
    tags: contracts.map(({ name }) => ({ name })),
    paths,
    components: { schemas: components.schemas, responses: { Problem: problemResponse } },
  }
}

const problemResponse = {
  description: 'A named error',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

interface Described {
  readonly contract: Contract
  readonly name: string
  readonly operation: Operation
  readonly route: HttpRoute
  /** Of the document; the route's own may call its parameters otherwise. */
  readonly path: string
  readonly components: Components
}

function describeOperation({ contract, name, operation, route, path, components }: Described): Document {
  const subject = pascal(contract.name) + pascal(name)
  const layout = layoutOf(operation, route, subject)
  const parameters = describeParameters(layout, path, components, `${subject}Input`)
  const body = describeBody(layout, components, `${subject}Input`)
  return {
    operationId: `${contract.name}.${name}`,
    tags: [contract.name],
    summary: operation.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: describeResponses(operation, route, subject, components),
  }
}

function describeResponses(
  operation: Operation,
  { options }: HttpRoute,
  subject: string,
  components: Components,
): Document {
  const output = operation.output && placed(operation.output, `${subject}Output`, components)
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
    ...(mayBeNothing(operation) && { 204: { description: 'Nothing' } }),
    ...describeErrors(operation, subject, components),
    default: { $ref: '#/components/responses/Problem' },
  }
}

function placed(schema: Schema, subject: string, components: Components): JsonSchema {
  const made = jsonSchemaOf(schema, 'output', subject)
  return components.place(made, made, subject)
}

/** Whether an answer without a value is valid beside those with one. */
function mayBeNothing({ kind, output }: Operation): boolean {
  if (!output || kind === 'subscription') return false
  const result = output['~standard'].validate(undefined)
  return !(result instanceof Promise) && !result.issues && result.value === undefined
}

/** One response per status; several errors of one status are alternatives. */
function describeErrors(operation: Operation, subject: string, components: Components): Document {
  const byStatus = Map.groupBy(Object.entries(operation.errors), ([, { kind }]) => String(statusOf(kind)))
  return Object.fromEntries(
    [...byStatus].map(([status, errors]) => {
      const alternatives = errors.map(([code, { details }]) => {
        const name = `${subject}${pascal(code.toLowerCase())}Details`
        const schema = details && placed(details, name, components)
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
