/** Requests as somebody makes them who knows the OpenAPI document and nothing else. */

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly content?: object
  readonly schema?: { readonly items?: { readonly contentMediaType?: string }; readonly additionalProperties?: unknown }
}

/** An operation of the document. */
export interface Described {
  readonly method: string
  readonly path: string
  readonly operationId: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
}

/** @param whole the input that is the body, whose name the document does not say. */
export function requestOf(
  described: Described,
  input: Readonly<Record<string, unknown>>,
  whole: string | undefined,
): Request {
  const left = new Map(Object.entries(input).filter(([, value]) => value !== undefined))
  let path = described.path
  const query = new URLSearchParams()
  for (const parameter of described.parameters ?? []) {
    const value = left.get(parameter.name)
    if (!left.delete(parameter.name)) continue
    if (parameter.in === 'path')
      path = path.replace(`{${parameter.name}}`, () => encodeURIComponent(textOf(parameter, value)))
    else
      for (const one of Array.isArray(value) && !parameter.content ? value : [value])
        query.append(parameter.name, Array.isArray(value) ? itemOf(one) : textOf(parameter, one))
  }
  const rest = described.parameters?.some(
    ({ schema }) => schema?.additionalProperties !== undefined && schema.items === undefined,
  )
  if (rest && described.requestBody === undefined)
    for (const [name, value] of left)
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, itemOf(one))
  const url = `http://keelson.test${path}${query.size > 0 ? `?${query}` : ''}`
  const { method } = described
  const [type] = Object.keys(described.requestBody?.content ?? {})
  if (type === undefined) return new Request(url, { method })
  const body = whole === undefined ? Object.fromEntries(left) : left.get(whole)
  if (body === undefined) return new Request(url, { method })
  if (type === '*/*')
    return new Request(url, { method, body: String(body), headers: { 'content-type': 'text/plain; charset=utf-8' } })
  return new Request(url, { method, body: JSON.stringify(body), headers: { 'content-type': type } })
}

function textOf({ content }: Parameter, value: unknown): string {
  return content ? JSON.stringify(value) : itemOf(value)
}

function itemOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
