/**
 * `http()` puts an operation on a route. It is data: the REST surface and OpenAPI read it, the browser may import it. The compiler refuses
 * a route whose `{name}` is not an input of the operation; the contract refuses routes whose requests could not carry the input.
 */
import {
  type Annotation,
  defineAnnotation,
  type OperationKind,
  type OperationShape,
  type Operations,
} from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { routeShape, whyNoRoutePath } from '../listener/route-path.ts'
import type { HttpMethod, HttpOptions, HttpRoute } from './http-route.ts'
import { whyNoLayout } from './input-layout.ts'

/** The names in braces of a path. */
type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never
type Having<Names extends string> = [Names] extends [never] ? unknown : { readonly [Name in Names]: unknown }

/** An input that may be left out is an input too. */
type MayHave<Names extends string> = [Names] extends [never] ? unknown : { readonly [Name in Names]?: unknown }

// Every operation of a contract has the shape that the check reads.
const kind = defineAnnotation<HttpRoute>('http', (operations) => whyNoRoutes(operations as Operations))

/**
 * The route of an operation. Throws ROUTE_INVALID; what does not fit the operation refuses the contract with CONTRACT_INVALID: an input in the
 * path that is no input or a list, two routes for the same requests, an input that is no object, a GET with a body.
 *
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
  const match = /^(GET|POST|PUT|PATCH|DELETE) (\/.*)$/.exec(route)
  if (!match?.[1] || !match[2]) throw servicesErrors.ROUTE_INVALID({ route })
  const reason = whyNoRoutePath(match[2])
  if (reason !== undefined) throw servicesErrors.ROUTE_INVALID({ route, reason })
  // The expression above admits exactly the methods of HttpMethod.
  return kind.on({ method: match[1] as HttpMethod, path: match[2], options })
}

export const readHttp = kind.read

/** Why the routes of a contract cannot work; undefined when they can. */
function whyNoRoutes(operations: Operations): string | undefined {
  const taken = new Map<string, string>()
  for (const [name, operation] of Object.entries(operations)) {
    const route = readHttp(operation)
    if (!route) continue
    const shown = `${name} (${route.method} ${route.path})`
    const reason = whyNoLayout(operation, route, name)
    if (reason !== undefined) return `${shown}: ${reason}`
    const shape = `${route.method} ${routeShape(route.path)}`
    const other = taken.get(shape)
    if (other !== undefined) return `${shown} and ${other} claim the same requests`
    taken.set(shape, name)
  }
  return undefined
}
