/**
 * `http()` puts an operation on a route. It is data: the REST surface and OpenAPI read it, the browser may import it. The compiler refuses
 * a route whose `{name}` is not an input of the operation.
 */
import { type Annotation, defineAnnotation, type OperationKind, type OperationShape } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface HttpRoute {
  readonly method: HttpMethod
  /** With `{name}` for each input taken from the path. */
  readonly path: string
  readonly options: HttpOptions
}

interface HttpOptions<Body extends string = string, Other extends string = string> {
  /** The input that takes the raw body as text (UTF-8); the others then come from the query string. */
  readonly body?: Body
  /** With `body`: the input that says `base64` when the body is no text and is handed on in that form, and otherwise `utf-8`. */
  readonly base64?: Other
  /** The input that takes the whole JSON body, whatever its type; the others then come from the query string. */
  readonly json?: Other
  /** Inputs that come from the query string though the method has a body. */
  readonly query?: readonly Other[]
  /** The largest body accepted, in bytes; 1 MiB unless given. */
  readonly maxBytes?: number
  /** Status of success; 200, or 204 without an output. */
  readonly status?: number
  /** The Location header, with `{name}` for fields of the output. */
  readonly location?: string
}

/** The names in braces of a path. */
type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never
type Having<Names extends string> = [Names] extends [never] ? unknown : { readonly [Name in Names]: unknown }

/** An input that may be left out is an input too. */
type MayHave<Names extends string> = [Names] extends [never] ? unknown : { readonly [Name in Names]?: unknown }

const kind = defineAnnotation<HttpRoute>('http')

/**
 * @example
 * http('GET /v1/documents/{id}')
 * http('POST /v1/documents', { body: 'content', status: 201, location: '/v1/documents/{id}' })
 */
export function http<
  const Route extends `${HttpMethod} /${string}`,
  const Body extends string = never,
  const Location extends string = never,
  const Other extends string = never,
>(
  route: Route,
  options: Omit<HttpOptions<Body, Other>, 'location'> & { readonly location?: Location } = {},
): Annotation<
  OperationShape<
    OperationKind,
    Having<NamesIn<NoInfer<Route>> | NoInfer<Body>> & MayHave<NoInfer<Other>>,
    Having<NamesIn<NoInfer<Location>>>
  >
> {
  const match = /^(GET|POST|PUT|PATCH|DELETE) (\/[^\s?#]*)$/.exec(route)
  if (!match?.[1] || !match[2]) throw servicesErrors.ROUTE_INVALID({ route })
  // The expression above admits exactly the methods of HttpMethod.
  return kind.on({ method: match[1] as HttpMethod, path: match[2], options })
}

export const readHttp = kind.read

/**
 * Where an input travels: in the path, the query string, a field of the JSON body, or as the whole body, JSON or text. What `form` says
 * does not travel: it shows in the body.
 */
export type InputPlace = 'path' | 'query' | 'field' | 'json' | 'text' | 'form'

export function placeOf({ method, path, options }: HttpRoute, input: string): InputPlace {
  if (path.includes(`{${input}}`)) return 'path'
  if (options.body === input) return 'text'
  if (options.base64 === input) return 'form'
  if (options.json === input) return 'json'
  const hasFields = method !== 'GET' && method !== 'DELETE' && !options.body && !options.json
  return hasFields && !options.query?.includes(input) ? 'field' : 'query'
}
