/** The failures that an OpenAPI operation describes, as declared errors: our own documents name the codes, of others the status says what it is. */
import { isRecord } from '@keelson/kernel'
import { indent, quote, type ZodWriter } from './openapi-zod.ts'

type Node = Readonly<Record<string, unknown>>

/** Codes for the statuses that a client tells apart. Others, and `default`, are REMOTE_… errors of the client. */
const codes: Readonly<Record<string, readonly [code: string, kind: string]>> = {
  400: ['INVALID', 'invalid'],
  401: ['UNAUTHORIZED', 'forbidden'],
  403: ['FORBIDDEN', 'forbidden'],
  404: ['NOT_FOUND', 'not-found'],
  409: ['CONFLICT', 'conflict'],
  410: ['GONE', 'not-found'],
  412: ['PRECONDITION_FAILED', 'conflict'],
  413: ['TOO_LARGE', 'too-large'],
  415: ['UNSUPPORTED', 'unsupported'],
  422: ['UNPROCESSABLE', 'invalid'],
}

/** The entries of `errors`, one a line; undefined when there are none. */
export function readErrors(responses: unknown, key: string, zod: ZodWriter): string | undefined {
  const entries = Object.entries(isRecord(responses) ? responses : {}).flatMap(([status, response]) => {
    const [code, kind] = Object.hasOwn(codes, status) ? (codes[status] ?? []) : []
    if (code === undefined || kind === undefined) return []
    const found = zod.resolve(response, key) ?? {}
    const schema = schemaIn(found['content'])
    const named = namedErrors(schema, kind, key, zod)
    if (named.length > 0) return named
    const details = zod.fields(schema, key) && zod.schema(schema, `${key}.${code}`)
    return [entry(code, kind, found['description'], details)]
  })
  return entries.length > 0 ? entries.join('\n') : undefined
}

/** Errors of our own documents: problems whose `code` is a constant. */
function namedErrors(schema: unknown, kind: string, key: string, zod: ZodWriter): string[] {
  const options = isRecord(schema) && Array.isArray(schema['oneOf']) ? schema['oneOf'] : [schema]
  const found = options.map((one: unknown) => zod.fields(one, key)?.properties)
  return found.flatMap((properties) => {
    const code = isRecord(properties?.['code']) ? properties['code']['const'] : undefined
    if (typeof code !== 'string' || !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code)) return []
    // The problem's own schema says `details` is any object; an error without details of its own has no more than that.
    const details = zod.fields(properties?.['details'], key)
    const hasDetails = details !== undefined && Object.keys(details.properties).length > 0
    return [
      entry(code, kind, undefined, hasDetails ? zod.schema(properties?.['details'], `${key}.${code}`) : undefined),
    ]
  })
}

function entry(code: string, kind: string, description: unknown, details: string | undefined): string {
  const message = typeof description === 'string' && description.trim() !== '' ? description.trim() : undefined
  const lines = [
    `kind: ${quote(kind)},`,
    message && `message: ${quote(message.replace(/[\s{}]+/g, ' '))},`,
    details && `details: ${details},`,
  ].filter((line) => typeof line === 'string')
  return `${code}: {\n${indent(lines.join('\n'))}\n},`
}

function schemaIn(content: unknown): unknown {
  if (!isRecord(content)) return undefined
  const media = Object.entries(content).find(([type]) => /json/i.test(type))?.[1]
  return isRecord(media) ? (media as Node)['schema'] : undefined
}
