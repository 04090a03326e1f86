/** The input of an operation as a request, and back: each text is written only if reading it gives the same value again. */
import { coerceText, isRecord, isSame, jsonProblems, type Problem } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { fillRoutePath, matchRoutePath, namesInRoutePath } from '../listener/route-path.ts'
import type { InputLayout } from './input-layout.ts'

/** What a route was given. */
export interface ReceivedInput {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Parsed JSON, or the inputs that the raw body makes; undefined when there is no body. */
  readonly body: unknown
}

/** A request but for its headers. */
export interface WrittenInput {
  /** With the query string. */
  readonly path: string
  readonly body: string | Uint8Array<ArrayBuffer> | undefined
  readonly contentType: string | undefined
}

/** Collects the input from path, query string and body, in the types that the schema asks for. Throws REQUEST_MALFORMED. */
export function readInput(layout: InputLayout, { path, query, body }: ReceivedInput): unknown {
  const { root, placeOf, schemaOf } = layout
  const input: Record<string, unknown> = Object.create(null)
  for (const [name, text] of Object.entries(path)) input[name] = coerceText(text, schemaOf(name), root)
  const fields = layout.body === 'json' ? { [layout.route.options.json ?? '']: body } : body
  if (fields !== undefined && !isRecord(fields)) throw malformed('the body must be a JSON object')
  for (const [name, value] of Object.entries(fields ?? {})) {
    const place = placeOf(name)
    if (place === 'path' || place === 'query')
      throw malformed(`"${name}" is taken from the ${place}, not from the body`)
    if (value !== undefined) input[name] = value
  }
  for (const name of new Set(query.keys())) {
    if (placeOf(name) !== 'query' && layout.inputs.has(name))
      throw malformed(`"${name}" is taken from the ${placeOf(name) === 'path' ? 'path' : 'body'}, not from the query`)
    input[name] = coerceText(query.getAll(name), schemaOf(name), root)
  }
  return root || Object.keys(input).length > 0 ? { ...input } : undefined
}

function malformed(reason: string): Error {
  return servicesErrors.REQUEST_MALFORMED({ reason })
}

/** Puts every input where its route wants it. Throws OPERATION_INPUT_INVALID, with every input that cannot travel there unchanged. */
export function writeInput(layout: InputLayout, operation: string, input: unknown): WrittenInput {
  const problems = jsonProblems(input)
  if (layout.root && !isRecord(input)) problems.push({ path: '', message: 'an object is needed' })
  if (problems.length > 0) throw invalid(operation, problems)
  const writer = new InputWriter(layout)
  const given = Object.entries(isRecord(input) ? input : {})
  for (const [name, value] of given) if (value !== undefined) writer.add(name, value)
  const written = writer.end()
  if (writer.problems.length > 0) throw invalid(operation, writer.problems)
  return written
}

/** The request for an operation by its name, where the body is the input. Throws OPERATION_INPUT_INVALID. */
export function writeRpcInput(operation: string, input: unknown): WrittenInput {
  const problems = jsonProblems(input)
  if (problems.length > 0) throw invalid(operation, problems)
  const path = `/rpc/${encodeURIComponent(operation)}`
  if (input === undefined) return { path, ...nothing }
  return { path, body: JSON.stringify(input), contentType: jsonType }
}

function invalid(operation: string, problems: readonly Problem[]): Error {
  return servicesErrors.OPERATION_INPUT_INVALID({ operation, problems })
}

class InputWriter {
  readonly problems: Problem[] = []
  readonly #layout: InputLayout
  readonly #path = new Map<string, string>()
  readonly #query = new URLSearchParams()
  readonly #fields: [name: string, value: unknown][] = []
  #whole: unknown
  #form: unknown

  constructor(layout: InputLayout) {
    this.#layout = layout
  }

  add(name: string, value: unknown): void {
    const place = this.#layout.placeOf(name)
    if (place === 'path') this.#addToPath(name, value)
    else if (place === 'query') this.#addToQuery(name, value)
    else if (place === 'field') this.#fields.push([name, value])
    else if (place === 'form') this.#form = value
    else this.#whole = value
  }

  #refuse(path: string, message: string): void {
    this.problems.push({ path, message })
  }

  #addToPath(name: string, value: unknown): void {
    const text = textOf(value)
    // A segment that is empty or only dots would name another path.
    if (/^\.{0,2}$/.test(text)) this.#refuse(name, `"${text}" cannot be a part of a path`)
    else if (this.#survives(name, value, text)) this.#path.set(name, encodeURIComponent(text))
  }

  #addToQuery(name: string, value: unknown): void {
    if (Array.isArray(value) && value.length === 0) {
      this.#refuse(name, 'a query string cannot carry an empty list')
      return
    }
    const texts = Array.isArray(value) ? value.map(textOf) : textOf(value)
    if (!this.#survives(name, value, texts)) return
    for (const text of typeof texts === 'string' ? [texts] : texts) this.#query.append(name, text)
  }

  /** Whether the texts read as the value again. */
  #survives(name: string, value: unknown, texts: string | readonly string[]): boolean {
    const { root, schemaOf } = this.#layout
    const isWellFormed = [name, ...(typeof texts === 'string' ? [texts] : texts)].every((text) => text.isWellFormed())
    if (isWellFormed && isSame(coerceText(texts, schemaOf(name), root), value)) return true
    const shown = JSON.stringify(value).slice(0, 100)
    this.#refuse(name, `${shown} cannot travel in a path or query: it would be read as another value`)
    return false
  }

  end(): WrittenInput {
    const { route } = this.#layout
    const missing = namesInRoutePath(route.path).find((name) => !this.#path.has(name))
    if (missing !== undefined && this.problems.length === 0) this.#refuse(missing, 'the path of the route needs it')
    const filled = fillRoutePath(route.path, this.#path)
    const read = this.problems.length === 0 ? matchRoutePath(route.path, filled) : this.#path
    for (const [name, text] of this.#path)
      if (read?.get(name) !== text) this.#refuse(name, 'it would be read as another part of the path')
    const path = this.#query.size > 0 ? `${filled}?${this.#query}` : filled
    return { path, ...this.#body() }
  }

  #body(): Omit<WrittenInput, 'path'> {
    const { body, hasFields } = this.#layout
    if (hasFields || this.#fields.length > 0)
      return { body: JSON.stringify(Object.fromEntries(this.#fields)), contentType: jsonType }
    if (body === 'text') return this.#rawBody()
    if (this.#whole === undefined) return nothing
    return { body: JSON.stringify(this.#whole), contentType: jsonType }
  }

  #rawBody(): Omit<WrittenInput, 'path'> {
    const { body: name = '', base64 } = this.#layout.route.options
    const whole = this.#whole
    const form = base64 === undefined ? 'utf-8' : (this.#form ?? this.#layout.schemaOf(base64)?.['default'])
    if (whole === undefined) {
      if (this.#form !== undefined) this.#refuse(name, 'it is missing, though its form is given')
      return nothing
    }
    if (form === 'base64') {
      const body = bytesOf(whole)
      if (!body) this.#refuse(name, 'it is not base64 in its one canonical form')
      return { body, contentType: bytesType }
    }
    if (form !== 'utf-8') this.#refuse(base64 ?? name, 'it says utf-8 or base64')
    if (typeof whole === 'string' && whole.isWellFormed()) return { body: whole, contentType: textType }
    this.#refuse(name, 'the raw body is well-formed text')
    return nothing
  }
}

const nothing = { body: undefined, contentType: undefined }
const jsonType = 'application/json'
const textType = 'text/plain; charset=utf-8'
/** Says that a raw body is handed on as base64, though it may read as text. */
export const bytesType = 'application/octet-stream'

/** The bytes of base64 in its one canonical form: only that comes out again as it went in. */
function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(String(value))
    return btoa(binary) === value ? Uint8Array.from(binary, (character) => character.charCodeAt(0)) : undefined
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
