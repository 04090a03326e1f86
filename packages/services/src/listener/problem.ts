/**
 * Errors as `application/problem+json` (RFC 9457), and the one place that maps an error's kind to an HTTP status. An outside caller sees
 * the code, the message and the details of a named error; of an internal one only the code and the correlation id.
 */
import {
  type ErrorDetails,
  type ErrorKind,
  errorFromData,
  errorKinds,
  errorToData,
  isError,
  isRecord,
  type KeelsonError,
  withoutCredentials,
} from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** The stable code; `docs/reference/errors.md` lists them. */
  readonly code: string
  /** What our own clients go by: several kinds may share a status. */
  readonly kind: ErrorKind
  readonly retryable: boolean
  readonly correlationId: string
  readonly details?: ErrorDetails
}

const statuses: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  unsupported: 415,
  'rate-limited': 429,
  cancelled: 499,
  internal: 500,
  unavailable: 503,
  timeout: 504,
}

const titles: Readonly<Record<ErrorKind, string>> = {
  invalid: 'The request is not valid',
  forbidden: 'Refused',
  'not-found': 'Not found',
  conflict: 'Conflict',
  'too-large': 'Too large',
  unsupported: 'Unsupported',
  'rate-limited': 'Too many requests',
  cancelled: 'Cancelled',
  internal: 'Internal error',
  unavailable: 'Unavailable',
  timeout: 'Timed out',
}

const typePrefix = 'urn:keelson:error:'

export function statusOf(kind: ErrorKind): number {
  return statuses[kind]
}

/** Whatever was thrown, as a named error; anything that is not one becomes OPERATION_FAILED with the original as its cause. */
export function namedError(error: unknown, operation: string): KeelsonError {
  return isError(error) ? error : servicesErrors.OPERATION_FAILED({ operation }, { cause: error })
}

/** An error as a problem: within the bounds of `errorToData`, and always JSON. */
export function problemOf(error: KeelsonError, correlationId: string): Problem {
  const { code, message, kind, retryable, details } = errorToData(error)
  const isSecret = kind === 'internal'
  return {
    type: `${typePrefix}${code}`,
    title: titles[kind],
    status: code === servicesErrors.ROUTE_METHOD_UNKNOWN.code ? 405 : statuses[kind],
    detail: isSecret
      ? 'Something went wrong here. The log has more under the correlation id.'
      : withoutCredentials(message),
    code,
    kind,
    retryable,
    correlationId,
    ...(!isSecret && { details }),
  }
}

/** The named error that a problem of another Keelson process tells of, known by its type; undefined for any other body. */
export function errorOfProblem(body: unknown): KeelsonError | undefined {
  if (!isRecord(body) || body['type'] !== `${typePrefix}${body['code']}`) return undefined
  return errorFromData({ ...body, message: body['detail'] })
}

/** The JSON Schema of a problem, for OpenAPI. */
export const problemSchema = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'detail', 'code', 'kind', 'retryable', 'correlationId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What was attempted and what stands in the way' },
    code: { type: 'string', description: 'Stable; the error reference lists all' },
    kind: { enum: errorKinds },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later' },
    correlationId: { type: 'string' },
    details: { type: 'object' },
  },
} as const
