/**
 * A contract made from somebody else's OpenAPI document, as source: it is written once, read and corrected by people, and kept beside the
 * code. What a contract cannot say is left out and noted, in the file and to the caller.
 */
import { facadeWords, isRecord } from '@keelson/kernel'
import { servicesErrors } from '../../errors.ts'
import { whyNoRoutePath } from '../../listener/route-path.ts'
import { readErrors } from './openapi-errors.ts'
import { createZodWriter, indent, keyCode, optional, pascal, quote, type ZodWriter } from './openapi-zod.ts'

type Node = Readonly<Record<string, unknown>>
type Note = (place: string, text: string) => void

export interface ImportedContract {
  /** A TypeScript module that exports the contract under its name in PascalCase. */
  readonly source: string
  /** What could not be expressed, one sentence each. */
  readonly notes: readonly string[]
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

/** Writes the contract `name` for a parsed OpenAPI 3.0 or 3.1 document. Throws OPENAPI_UNREADABLE. */
export function importOpenApi(document: unknown, name: string): ImportedContract {
  const root = readDocument(document)
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw servicesErrors.OPENAPI_UNREADABLE({ reason: `"${name}" is no name: lower-case words joined by hyphens` })
  const notes: string[] = []
  const note: Note = (place, text) => void notes.push(oneLine(`${place}: ${text}`))
  const zod = createZodWriter(root, pascal(name), note)
  const taken = new Set<string>([...facadeWords, 'toJSON'])
  const operations = Object.entries(isRecord(root['paths']) ? root['paths'] : {}).flatMap(([path, item]) => {
    const found = zod.resolve(item, path) ?? {}
    for (const other of ['head', 'options', 'trace']) if (found[other]) note(path, `${other} is left out`)
    return methods.flatMap((method) => {
      const operation = found[method]
      if (!isRecord(operation)) return []
      const key = freshKey(operation, method, path, taken)
      const shared = Array.isArray(found['parameters']) ? found['parameters'] : []
      const code = operationCode({ key, method, path, operation, shared, zod, note })
      return code === undefined ? [] : [`${key}: ${code},`]
    })
  })
  return { source: sourceOf(root, name, zod, operations, notes), notes }
}

interface Given {
  readonly key: string
  readonly method: (typeof methods)[number]
  readonly path: string
  readonly operation: Node
  readonly shared: readonly unknown[]
  readonly zod: ZodWriter
  readonly note: Note
}

/** Undefined for an operation that a contract cannot say; the reason is noted. */
function operationCode(given: Given): string | undefined {
  const { key, method, path, operation, zod, note } = given
  const written = path.replace(/\{([^}]+)\}/g, (_, name: string) => `{${word(name)}}`)
  const reason = whyNoRoutePath(written)
  if (reason !== undefined) {
    note(key, `left out: ${path} is no route: ${reason}`)
    return undefined
  }
  const input = inputOf(given)
  if (!input) return undefined
  const { status, output, isStream } = outputOf(given)
  const errors = readErrors(operation['responses'], key, zod)
  const kind = isStream ? 'subscription' : method === 'get' ? 'query' : 'command'
  const summary = [operation['summary'], operation['description']].find((one) => typeof one === 'string')
  const parts = [
    typeof summary === 'string' && `summary: ${quote(oneLine(summary))},`,
    input.code && `input: ${input.code},`,
    output && `output: ${output},`,
    errors && `errors: {\n${indent(errors)}\n},`,
  ].filter((part) => typeof part === 'string' && part !== '')
  if (isStream) note(key, 'a stream is read to its "event: end", and data is JSON')
  const options = [...input.options, status !== 200 && status !== 204 && `status: ${status}`].filter(Boolean)
  const route = quote(`${method.toUpperCase()} ${written}`)
  const http = `http(${route}${options.length > 0 ? `, { ${options.join(', ')} }` : ''})`
  const schemas = parts.length > 0 ? `{\n${indent(parts.join('\n'))}\n}` : '{}'
  return `${kind}(\n${indent(`${schemas},\n${http},`)}\n)`
}

interface Input {
  readonly code: string | undefined
  /** Options of the route, as source. */
  readonly options: readonly string[]
}

function inputOf({ key, method, operation, shared, path, zod, note }: Given): Input | undefined {
  const own = Array.isArray(operation['parameters']) ? operation['parameters'] : []
  const fields = new Map<string, string>()
  const query: string[] = []
  for (const parameter of [...shared, ...own]) {
    const found = zod.resolve(parameter, key)
    if (!found || typeof found['name'] !== 'string') continue
    const { name, in: place } = found
    if (place !== 'path' && place !== 'query') {
      note(key, `the ${String(place)} parameter "${name}" is left out: give it in the client's headers`)
      continue
    }
    noteStyle(found, key, note)
    const field = place === 'path' ? word(name) : name
    const schema = place === 'path' ? pathSchema(found, zod, `${key}.${field}`, note) : schemaOf(found)
    const isRequired = place === 'path' || found['required'] === true
    fields.set(field, optional(zod.schema(schema, `${key}.${field}`), schema, isRequired))
    if (place === 'query' && !query.includes(field)) query.push(field)
  }
  // A path may name what no parameter describes.
  for (const [, name = ''] of path.matchAll(/\{([^}]+)\}/g))
    if (!fields.has(word(name))) fields.set(word(name), 'z.string()')
  const body = operation['requestBody'] === undefined ? undefined : zod.resolve(operation['requestBody'], key)
  if (body && method === 'get') note(key, 'the body of a GET is left out')
  if (!body || method === 'get') return { code: objectCode(fields), options: [] }
  return inputWithBody({ key, method, body, fields, query, zod, note })
}

function schemaOf(parameter: Node): unknown {
  return parameter['schema'] ?? jsonSchemaIn(parameter['content'])
}

/** Lists and objects have several forms in a path, and a contract none: they are given as the text that the path holds. */
function pathSchema(parameter: Node, zod: ZodWriter, place: string, note: Note): unknown {
  const type = zod.resolve(schemaOf(parameter), place)?.['type']
  if (type !== 'array' && type !== 'object') return schemaOf(parameter)
  note(place, `the ${type === 'array' ? 'list' : 'object'} in the path is given as text`)
  return { type: 'string' }
}

function inputWithBody(given: {
  readonly key: string
  readonly method: string
  readonly body: Node
  readonly fields: ReadonlyMap<string, string>
  readonly query: readonly string[]
  readonly zod: ZodWriter
  readonly note: Note
}): Input | undefined {
  const { key, method, body, fields, query, zod, note } = given
  const schema = jsonSchemaIn(body['content'])
  const isRequired = body['required'] === true
  if (schema === undefined) {
    const types = Object.keys(isRecord(body['content']) ? body['content'] : {})
    if (!types.some((type) => type === '*/*' || type.startsWith('text/'))) {
      note(key, `left out: a body of ${types.join(' or ') || 'no type'} cannot be sent`)
      return undefined
    }
    const name = freshField('body', fields)
    const all = new Map([...fields, [name, isRequired ? 'z.string()' : 'z.string().optional()']])
    return { code: objectCode(all), options: [`body: ${quote(name)}`] }
  }
  const inside = isRequired && method !== 'delete' ? zod.fields(schema, key) : undefined
  if (inside && !Object.keys(inside.properties).some((name) => fields.has(name))) {
    const options = query.length > 0 ? [`query: [${query.map(quote).join(', ')}]`] : []
    const code = zod.schema(schema, `${key}.body`)
    if (fields.size === 0) return { code, options }
    return { code: objectCode(fields, `...${code}.shape,`), options }
  }
  const name = freshField('body', fields)
  const code = optional(zod.schema(schema, `${key}.body`), schema, isRequired)
  return { code: objectCode(new Map([...fields, [name, code]])), options: [`json: ${quote(name)}`] }
}

function outputOf({ key, operation, zod, note }: Given): {
  readonly status: number
  readonly output: string | undefined
  readonly isStream: boolean
} {
  const responses = isRecord(operation['responses']) ? operation['responses'] : {}
  const good = Object.keys(responses).find((status) => /^2(\d\d|XX)$/i.test(status))
  if (good === undefined) note(key, 'no successful answer is described: what it answers is not read')
  const response = good === undefined ? undefined : zod.resolve(responses[good], key)
  const status = Number.parseInt(good ?? '', 10) > 99 ? Number(good) : 200
  const isEmpty = status === 204 || status === 205
  const content = isRecord(response?.['content']) && !isEmpty ? response['content'] : {}
  const types = Object.keys(content)
  const stream = content['text/event-stream']
  if (isRecord(stream)) return { status: 200, output: zod.schema(stream['schema'], `${key}.output`), isStream: true }
  const schema = jsonSchemaIn(content)
  if (schema !== undefined) return { status, output: zod.schema(schema, `${key}.output`), isStream: false }
  if (types.length === 0) return { status, output: undefined, isStream: false }
  if (!types.some((type) => type.startsWith('text/'))) note(key, `an answer of ${types.join(' or ')} is read as text`)
  return { status, output: 'z.string()', isStream: false }
}

function noteStyle(parameter: Node, key: string, note: Note): void {
  const { name, style, explode, in: place } = parameter
  const isPlain = style === undefined || style === (place === 'path' ? 'simple' : 'form')
  if (!isPlain || (place === 'query' && explode === false))
    note(
      key,
      `the style of "${String(name)}" is not followed: a list is sent as repeated parameters, an object as JSON`,
    )
}

/** The schema of the first JSON media type; undefined when there is none. */
function jsonSchemaIn(content: unknown): unknown {
  if (!isRecord(content)) return undefined
  const type = Object.keys(content).find((one) => /^application\/([\w.-]+\+)?json\b/i.test(one))
  const media = type === undefined ? undefined : content[type]
  return isRecord(media) ? (media['schema'] ?? {}) : undefined
}

function objectCode(fields: ReadonlyMap<string, string>, first = ''): string | undefined {
  if (fields.size === 0 && first === '') return undefined
  const lines = [first, ...[...fields].map(([name, code]) => `${keyCode(name)}: ${code},`)].filter(Boolean)
  return `z.object({\n${indent(lines.join('\n'))}\n})`
}

function freshField(name: string, fields: ReadonlyMap<string, string>): string {
  return fields.has(name) ? freshField(`${name}Content`, fields) : name
}

function freshKey(operation: Node, method: string, path: string, taken: Set<string>): string {
  const id = operation['operationId']
  // Frameworks put the controller or the service in front: `GuestsController_one`, `notes.add`.
  const given =
    typeof id === 'string' && /[A-Za-z]/.test(id) ? id.replace(/^.*(\.|Controller_)/, '') : `${method} ${path}`
  const words = pascal(given)
  const name = words.charAt(0).toLowerCase() + words.slice(1)
  let key = name
  for (let n = 2; taken.has(key) || key in Object.prototype; n++) key = `${name}${n}`
  taken.add(key)
  return key
}

/** A parameter of a path in the letters that a route takes. */
function word(name: string): string {
  const plain = name.replace(
    /[^A-Za-z0-9_]+([A-Za-z0-9])?/g,
    (_, letter: string | undefined) => letter?.toUpperCase() ?? '',
  )
  return plain || 'value'
}

function readDocument(document: unknown): Node {
  if (!isRecord(document)) throw servicesErrors.OPENAPI_UNREADABLE({ reason: 'it is not an object' })
  const version = document['openapi']
  if (typeof version !== 'string' || !/^3\.[01]\./.test(version)) {
    const found = document['swagger'] === undefined ? String(version) : `Swagger ${String(document['swagger'])}`
    throw servicesErrors.OPENAPI_UNREADABLE({ reason: `its version is ${found}; 3.0 and 3.1 are understood` })
  }
  return document
}

function sourceOf(root: Node, name: string, zod: ZodWriter, operations: readonly string[], notes: readonly string[]) {
  const info = isRecord(root['info']) ? root['info'] : {}
  const [given = ''] = /^\d+(\.\d+){0,2}/.exec(String(info['version'] ?? '')) ?? []
  const version = given === '' ? '1.0.0' : [...given.split('.'), '0', '0'].slice(0, 3).map(Number).join('.')
  const body = operations.length > 0 ? `{\n${indent(operations.join('\n'))}\n}` : '{}'
  const used = ['command', 'query', 'subscription'].filter((kind) =>
    operations.some((one) => one.includes(`: ${kind}(`)),
  )
  const servers = Array.isArray(root['servers']) ? root['servers'].filter(isRecord).map(({ url }) => String(url)) : []
  return [
    `// The contract of "${oneLine(String(info['title'] ?? name))}", made from its OpenAPI document by \`keelson contract import\`.`,
    ...(servers.length > 0 ? [`// Served at ${oneLine(servers.join(', '))}`] : []),
    ...(notes.length > 0 ? ['//', '// What a contract cannot say:', ...notes.map((one) => `// - ${one}`)] : []),
    `import { ${[used[0], 'defineContract', ...used.slice(1)].filter(Boolean).join(', ')} } from '@keelson/kernel'`,
    ...(operations.length > 0 ? [`import { http } from '@keelson/services'`, `import * as z from 'zod'`] : []),
    '',
    ...zod.declarations().map((one) => `${one}\n`),
    `export const ${pascal(name)} = defineContract(${quote(name)}, ${quote(version)}, ${body})`,
    '',
  ].join('\n')
}

/** One line of a comment: whatever ends a line in JavaScript would end the comment too. */
function oneLine(text: string): string {
  return text.replace(/[\s\u2028\u2029]+/g, ' ').trim()
}
