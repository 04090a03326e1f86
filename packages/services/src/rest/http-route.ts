/** The route of an operation as data. */

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface HttpRoute {
  readonly method: HttpMethod
  /** With `{name}` for each input taken from the path. */
  readonly path: string
  readonly options: HttpOptions
}

export interface HttpOptions<Body extends string = string, Other extends string = string> {
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
