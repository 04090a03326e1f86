/**
 * Errors as data: the one form in which an error leaves a process or is written down, whoever carries it (problem answers, recordings, the
 * command line), and the way back. The kind and `retryable` travel with it, so that nobody has to guess them.
 */
import { boundedJson, boundedText } from './bounded-json.ts'
import { type ErrorDetails, type ErrorKind, errorKinds, KeelsonError } from './keelson-error.ts'
import { isRecord } from './schema/schema-parts.ts'

/** A `KeelsonError` as JSON. It has no stack and no cause: these stay in the process. */
export interface ErrorData {
  readonly code: string
  readonly message: string
  readonly kind: ErrorKind
  readonly retryable: boolean
  readonly details: ErrorDetails
}

const longestCode = 200
const longestMessage = 4_096
const detailBounds = { depth: 16, entries: 2_000, characters: 32_768 }

/**
 * `error` as data. Never throws, and what it returns is JSON, whatever the details hold: beyond 16 levels, 2,000 entries or
 * 32,768 characters they are cut, and each value without a form in JSON is named in its place (see `boundedJson`).
 */
export function errorToData(error: KeelsonError): ErrorData {
  // An error of another install of this package is known by its brand alone.
  const { code, message, kind, retryable, details }: { [Part in keyof ErrorData]: unknown } = error
  return {
    code: typeof code === 'string' ? boundedText(code, longestCode) : 'UNKNOWN',
    message: typeof message === 'string' ? boundedText(message, longestMessage) : '',
    kind: isErrorKind(kind) ? kind : 'internal',
    retryable: retryable === true,
    details: detailsWithin(details),
  }
}

/** The error that `data` tells of, within the same bounds; undefined when `data` is not an `ErrorData`. Never throws. */
export function errorFromData(data: unknown): KeelsonError | undefined {
  if (!isRecord(data)) return undefined
  const { code, message, kind, retryable = false, details = {} } = data
  if (typeof code !== 'string' || code === '' || code.length > longestCode) return undefined
  if (typeof message !== 'string' || !isErrorKind(kind) || typeof retryable !== 'boolean') return undefined
  return new KeelsonError({
    code,
    message: boundedText(message, longestMessage),
    kind,
    retryable,
    details: detailsWithin(details),
  })
}

function isErrorKind(kind: unknown): kind is ErrorKind {
  return errorKinds.some((known) => known === kind)
}

function detailsWithin(details: unknown): ErrorDetails {
  const json = boundedJson(details, detailBounds)
  // `isRecord` tells the objects among JSON values from the rest.
  return isRecord(json) ? (json as ErrorDetails) : {}
}
