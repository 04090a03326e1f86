/**
 * Throwing and recognising the errors that an operation declares: with types, and by code and details rather than by class, so that it works
 * for errors that came from another process.
 */
import { boundedJson } from '../bounded-json.ts'
import { kernelErrors } from '../errors.ts'
import { isError, KeelsonError } from '../keelson-error.ts'
import { problemsOf } from '../schema/schema.ts'
import type { DeclaredError } from './declared-error.ts'
import type { Operation, OperationValues } from './operation.ts'

type ErrorsOf<Op extends Operation> = OperationValues<Op>['errors']
type CodeOf<Op extends Operation> = keyof ErrorsOf<Op> & string

/** An error that `isContractError` recognised. */
export type ContractError<Code extends string = string, Details = unknown> = Omit<KeelsonError, 'code' | 'details'> & {
  readonly code: Code
  readonly details: Details
}

/** Makes one declared error. An error without details takes none. */
type ContractErrorFactory<Details> = (
  ...parameters: keyof Details extends never
    ? [details?: Details, options?: { cause?: unknown }]
    : [details: Details, options?: { cause?: unknown }]
) => KeelsonError

/**
 * What an implementation throws: one typed factory per declared error. Details lose what their schema does not know; a factory throws
 * CONTRACT_ERROR_INVALID when they do not fit it.
 *
 * @example
 * const { NOT_FOUND } = errorsOf(Documents.operations.get)
 * throw NOT_FOUND({ id })
 */
export function errorsOf<Op extends Operation>(
  operation: Op,
): { readonly [Code in CodeOf<Op>]: ContractErrorFactory<ErrorsOf<Op>[Code]> } {
  const factories = Object.entries(operation.errors).map(([code, declared]) => [
    code,
    (details: unknown = {}, options: { cause?: unknown } = {}) => makeError(code, declared, details, options.cause),
  ])
  // One factory per declared code, as the operation's type lists them.
  return Object.fromEntries(factories) as { readonly [Code in CodeOf<Op>]: ContractErrorFactory<ErrorsOf<Op>[Code]> }
}

/**
 * True for an error that `operation` declares, whichever process threw it; with `code`, only for that one. The details have been checked
 * against their schema, so that an error of the same code from elsewhere is not taken for this one (a schema that validates
 * asynchronously is trusted).
 *
 * @example
 * if (isContractError(error, Documents.operations.get, 'NOT_FOUND')) offer(error.details.id)
 */
export function isContractError<Op extends Operation, Code extends CodeOf<Op> = CodeOf<Op>>(
  error: unknown,
  operation: Op,
  code?: Code,
): error is { [One in Code]: ContractError<One, ErrorsOf<Op>[One]> }[Code] {
  if (!isError(error, code)) return false
  const declared = Object.hasOwn(operation.errors, error.code) ? operation.errors[error.code] : undefined
  if (!declared) return false
  const result = declared.details?.['~standard'].validate(error.details)
  return result === undefined || result instanceof Promise || !result.issues
}

function makeError(code: string, declared: DeclaredError, details: unknown, cause: unknown): KeelsonError {
  const result = declared.details?.['~standard'].validate(details) ?? { value: {} }
  if (!(result instanceof Promise) && result.issues)
    throw kernelErrors.CONTRACT_ERROR_INVALID({ code, problems: problemsOf(result.issues) }, { cause })
  // The schema has a JSON form, and its side of the details is an object: defineContract refuses any other.
  const value = (result instanceof Promise ? details : result.value) as KeelsonError['details']
  const { kind, retryable } = declared
  const message = declared.message.replace(/\{(\w+)\}/g, (_, key: string) => shown(value[key]))
  return new KeelsonError({ code, message, kind, retryable, details: value, cause })
}

/** A detail within a sentence, whatever it is: the text of a deeply nested array would overflow the stack. */
function shown(detail: unknown): string {
  const json = boundedJson(detail ?? '', { depth: 4, entries: 50, characters: 500 })
  return typeof json === 'object' ? JSON.stringify(json) : String(json)
}
