/**
 * The one error class of the platform and the catalogue it is made from. An error is known by its stable `code`, never by its class or
 * message, so that it survives a trip to another process and two installs of this package in one process.
 */
import type { Json } from './json.ts'

const brand = Symbol.for('keelson.error')

export const errorKinds = [
  'invalid',
  'forbidden',
  'not-found',
  'conflict',
  'too-large',
  'unsupported',
  'rate-limited',
  'unavailable',
  'timeout',
  'cancelled',
  'internal',
] as const

/** The failure in the caller's terms. A surface maps the kind, not the code, to the status of its protocol. */
export type ErrorKind = (typeof errorKinds)[number]

export type ErrorDetails = Readonly<Record<string, Json>>

/** A failure with a stable code. `details` is JSON and holds no secret: it may be shown to the caller unless `kind` is `internal`. */
export class KeelsonError<Details extends ErrorDetails = ErrorDetails> extends Error {
  override readonly name = 'KeelsonError'
  readonly code: string
  readonly kind: ErrorKind
  /** True when the same call may succeed later without a change. */
  readonly retryable: boolean
  readonly details: Details
  readonly [brand] = true

  constructor(options: {
    code: string
    message: string
    kind: ErrorKind
    retryable?: boolean
    details?: Details
    cause?: unknown
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.kind = options.kind
    this.retryable = options.retryable ?? false
    // Without details their type is that of none.
    this.details = options.details ?? ({} as Details)
  }
}

/**
 * True for a `KeelsonError` of any install; with a code, or the factory of one, only for that one. A factory narrows `details` to what it
 * makes them of, also for an error that came from another process.
 *
 * @example
 * if (isError(error, servicesErrors.OPERATION_INPUT_INVALID)) show(error.details.problems)
 */
export function isError<Details extends ErrorDetails>(
  error: unknown,
  factory: ErrorFactory<Details>,
): error is KeelsonError<Details>
export function isError(error: unknown, code?: string): error is KeelsonError
export function isError(error: unknown, wanted?: string | { readonly code: string }): boolean {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false
  return wanted === undefined || codeOf(error) === (typeof wanted === 'string' ? wanted : wanted.code)
}

/** One line of a catalogue: when it is raised (for the reference page), and how its details become a message. */
export interface ErrorDefinition<Details extends ErrorDetails> {
  readonly kind: ErrorKind
  readonly retryable?: boolean
  readonly when: string
  readonly message: (details: Details) => string
}

/** Makes one error of a catalogue. */
export interface ErrorFactory<Details extends ErrorDetails> {
  (details: Details, options?: { cause?: unknown }): KeelsonError<Details>
  readonly code: string
  readonly definition: ErrorDefinition<Details>
}

/**
 * Declares a package's errors, one entry per code. A message says what was attempted and what stands in the way.
 *
 * @example
 * const errors = defineErrors({
 *   STORE_FULL: { kind: 'unavailable', when: 'The disk is full.', message: (d: { path: string }) => `Cannot write "${d.path}": the disk is full` },
 * })
 * throw errors.STORE_FULL({ path })
 */
export function defineErrors<const Catalogue extends Record<string, ErrorDefinition<never>>>(
  catalogue: Catalogue,
): { readonly [Code in keyof Catalogue]: FactoryOf<Catalogue[Code]> } {
  const factories: Record<string, unknown> = {}
  for (const [code, definition] of Object.entries(catalogue)) {
    const factory = (details: never, options?: { cause?: unknown }) =>
      new KeelsonError({
        code,
        message: definition.message(details),
        kind: definition.kind,
        retryable: definition.retryable ?? false,
        details,
        cause: options?.cause,
      })
    factories[code] = Object.assign(factory, { code, definition })
  }
  // The loop above makes exactly one factory per entry, which the compiler cannot follow through Object.entries.
  return factories as { readonly [Code in keyof Catalogue]: FactoryOf<Catalogue[Code]> }
}

type FactoryOf<Definition> = Definition extends { message: (details: infer Details extends ErrorDetails) => string }
  ? ErrorFactory<Details>
  : never

function codeOf(error: object): unknown {
  return 'code' in error ? error.code : undefined
}
