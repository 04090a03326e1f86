/**
 * The named error that a failed HTTP answer stands for: our own problem+json says it itself; of others, the status is matched with the
 * errors that the contract declares.
 */
import {
  type DeclaredError,
  type ErrorKind,
  errorsOf,
  isRecord,
  type KeelsonError,
  type Operation,
  retryAfterIn,
} from '@keelson/kernel'
import { servicesErrors } from '../../errors.ts'
import { errorOfProblem } from '../../listener/problem.ts'
import type { HttpAnswer } from './http-client.ts'

const longestReason = 500

/**
 * Reads the beginning of the body of `answer`, which is not 2xx. Only its status and the details that the contract declares are taken over;
 * what else a foreign server says is in the cause, for the log.
 */
export async function errorOfAnswer(
  answer: Pick<HttpAnswer, 'status' | 'headers' | 'beginning'>,
  name: string,
  operation: Operation,
): Promise<KeelsonError> {
  const text = await answer.beginning()
  const body = parse(text)
  const named = errorOfProblem(body)
  if (named) return named
  const { status } = answer
  const reason = reasonIn(body) ?? (body === undefined ? text.trim() : '')
  const cause = reason === '' ? undefined : new Error(`it answered: ${reason.slice(0, longestReason)}`)
  const retryAfterMs = retryAfterIn(answer.headers, Date.now())
  return (
    declaredFor(kindOf(status), operation, body, cause) ??
    refusal(status)({ operation: name, status, ...(retryAfterMs !== undefined && { retryAfterMs }) }, { cause })
  )
}

function kindOf(status: number): ErrorKind {
  if (status === 401 || status === 403) return 'forbidden'
  if (status === 404 || status === 410) return 'not-found'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 413) return 'too-large'
  if (status === 415) return 'unsupported'
  return status >= 400 && status < 500 && status !== 408 && status !== 429 ? 'invalid' : 'unavailable'
}

function refusal(status: number) {
  if ([408, 429, 502, 503, 504].includes(status)) return servicesErrors.REMOTE_BUSY
  const kind = kindOf(status)
  if (kind === 'not-found') return servicesErrors.REMOTE_NOT_FOUND
  if (kind === 'forbidden') return servicesErrors.REMOTE_FORBIDDEN
  if (kind === 'conflict') return servicesErrors.REMOTE_CONFLICT
  return kind === 'unavailable' ? servicesErrors.REMOTE_FAILED : servicesErrors.REMOTE_REFUSED
}

/** The declared error of this kind whose details the body fits; one without details only when it is the only one of its kind. */
function declaredFor(kind: ErrorKind, operation: Operation, body: unknown, cause: unknown): KeelsonError | undefined {
  // One factory per declared error, as `errorsOf` promises for an operation of a known type.
  const make: Readonly<Record<string, (details: unknown, options: { cause: unknown }) => KeelsonError>> =
    errorsOf(operation)
  const candidates = Object.entries(operation.errors).filter(([, declared]) => declared.kind === kind)
  for (const [code, declared] of candidates) {
    const details = declared.details || candidates.length === 1 ? detailsIn(declared, body) : undefined
    if (details) return make[code]?.(details, { cause })
  }
  return undefined
}

function detailsIn({ details }: DeclaredError, body: unknown): KeelsonError['details'] | undefined {
  if (!details) return {}
  const result = details['~standard'].validate(body)
  if (result instanceof Promise || result.issues || !isRecord(result.value)) return undefined
  // What was parsed from JSON and fits the schema of an object is a record of JSON.
  return result.value as KeelsonError['details']
}

/** What frameworks call the sentence for people. */
function reasonIn(body: unknown): string | undefined {
  if (typeof body === 'string') return body
  if (!isRecord(body)) return undefined
  const found = [body['detail'], body['message'], body['error'], body['title']].find((one) => typeof one === 'string')
  return typeof found === 'string' ? found : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
