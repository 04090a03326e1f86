/** The routes of a listener: what they are is said in `route-path.ts`; a closing `*` takes the rest. */
import findMyWay, { type HTTPMethod } from 'find-my-way'
import { servicesErrors } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import { routerPath, routeShape } from './route-path.ts'

export interface Route {
  /** As it was added, with `{name}` for its parameters. */
  readonly path: string
  readonly answer: (exchange: Exchange) => unknown
}

const methods: readonly HTTPMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

export class Routes {
  /** A parameter may be as long as a request's head. */
  readonly #router = findMyWay<findMyWay.HTTPVersion.V1>({ ignoreTrailingSlash: true, maxParamLength: 128 * 1024 })
  readonly #taken = new Set<string>()

  /** Throws ROUTE_DUPLICATE, also when only the names of parameters differ. */
  add(method: HTTPMethod, path: string, answer: Route['answer']): void {
    const form = `${method} ${routeShape(path)}`
    if (this.#taken.has(form)) throw servicesErrors.ROUTE_DUPLICATE({ method, path })
    this.#taken.add(form)
    const route: Route = { path, answer }
    this.#router.on(method, routerPath(path), unused, route)
  }

  /** Throws ROUTE_METHOD_UNKNOWN or ROUTE_UNKNOWN. */
  find(method: string, path: string): { readonly route: Route; readonly parameters: Readonly<Record<string, string>> } {
    // find-my-way answers null for a method it does not know.
    const found = this.#router.find((method === 'HEAD' ? 'GET' : method) as HTTPMethod, path)
    if (found) {
      // `add` alone adds routes, and stores one each; its patterns have parameters of text only.
      return { route: found.store as Route, parameters: found.params as Record<string, string> }
    }
    const allow = this.#allowed(path)
    throw allow.length > 0
      ? servicesErrors.ROUTE_METHOD_UNKNOWN({ method, path, allow })
      : servicesErrors.ROUTE_UNKNOWN({ method, path })
  }

  /** The methods that a path answers. Throws ROUTE_UNKNOWN when there is none. */
  methodsOf(path: string): readonly string[] {
    const allow = this.#allowed(path)
    if (allow.length === 0) throw servicesErrors.ROUTE_UNKNOWN({ method: 'OPTIONS', path })
    return allow.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).concat('OPTIONS')
  }

  #allowed(path: string): HTTPMethod[] {
    return methods.filter((method) => this.#router.find(method, path))
  }
}

function unused(): void {}
