/**
 * Routes that speak a protocol which is not ours, with its own bodies and its own form of an error. What they share is here: a body is
 * read and checked, and whatever goes wrong is told in the protocol's words, with a status and a stable code, without a stack or secret.
 */
import { type KeelsonError, problemsOf, type Schema } from '@keelson/kernel'
import {
  answerJson,
  type Exchange,
  type Listener,
  namedError,
  readJson,
  servicesErrors,
  statusOf,
} from '@keelson/services'

export interface ForeignRoutes {
  add(method: 'GET' | 'POST', path: string, answer: (exchange: Exchange) => Promise<void>): void
}

/** @param errorBody the protocol's form of an error. */
export function foreignRoutes(
  listener: Listener,
  errorBody: (error: KeelsonError, status: number) => object,
): ForeignRoutes {
  return {
    add(method, path, answer) {
      listener.route(method, path, async (exchange) => {
        try {
          await answer(exchange)
        } catch (error) {
          const named = namedError(error, `${method} ${path}`)
          // An internal error goes to the listener, which logs it and says no more than that.
          if (named.kind === 'internal' || exchange.isAnswered) throw error
          const status = statusOf(named.kind)
          answerJson(exchange, status, errorBody(named, status))
        }
      })
    },
  }
}

const maxBodyBytes = 16 * 1024 * 1024

/** Rejects with REQUEST_MALFORMED, REQUEST_TOO_LARGE, REQUEST_TYPE_UNSUPPORTED, or OPERATION_INPUT_INVALID with the fields at fault. */
export async function readBody<Body>(
  exchange: Exchange,
  schema: Schema<unknown, Body>,
  operation: string,
): Promise<Body> {
  const result = await schema['~standard'].validate(await readJson(exchange, maxBodyBytes))
  if (result.issues) throw servicesErrors.OPERATION_INPUT_INVALID({ operation, problems: problemsOf(result.issues) })
  return result.value
}
