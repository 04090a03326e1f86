/**
 * The errors an operation declares: which codes a caller should expect, of what kind, with what details. They are data of the contract, so
 * that callers test for them with types, REST documents them and compatibility checks see one disappear. The key is the code itself.
 */
import { kernelErrors } from '../errors.ts'
import { type ErrorKind, isError, KeelsonError } from '../keelson-error.ts'
import { type Parsed, problemsOf, type Schema } from '../schema/schema.ts'
import type { Operation, OperationValues } from './operation.ts'

/** Kinds that a contract may declare: the others are nobody's promise, and their details never leave the process. */
export type DeclaredErrorKind = Exclude<ErrorKind, 'internal' | 'cancelled'>

/** What a contract says of one error beside its code. */
export interface ErrorDeclaration {
  /** Left out, it is what the code ends with (`ORDER_NOT_FOUND`, `STOCK_CONFLICT`), else `invalid`. */
  readonly kind?: DeclaredErrorKind
  /** For people; `{name}` stands for a detail: `No document has the id {id}`. */
  readonly message?: string
  /** The same call may succeed later without a change. */
  readonly retryable?: boolean
  /** An object. Callers see all of it. */
  readonly details?: Schema
}

/** By code. A schema alone is the schema of the details. */
export type ErrorDeclarations = Readonly<Record<string, Schema | ErrorDeclaration>>

/** An error as the operation carries it. */
export interface DeclaredError {
  readonly kind: DeclaredErrorKind
  readonly message: string
  readonly retryable: boolean
  readonly details: Schema | undefined
}

/** The details of each declared error, by code. */
export type ErrorValues<Declared> = {
  readonly [Code in keyof Declared]: Declared[Code] extends Schema
    ? Parsed<Declared[Code]>
    : Declared[Code] extends { readonly details: infer Details extends Schema }
      ? Parsed<Details>
      : Record<never, never>
}

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

/** Declarations with everything filled in. */
export function declareErrors(declarations: ErrorDeclarations): Readonly<Record<string, DeclaredError>> {
  return Object.fromEntries(
    Object.entries(declarations).map(([code, given]) => {
      const declaration: ErrorDeclaration = isSchema(given) ? { details: given } : given
      const { kind = kindNamedIn(code), message = sentenceOf(code), retryable = false, details } = declaration
      return [code, { kind, message, retryable, details }]
    }),
  )
}

function makeError(code: string, declared: DeclaredError, details: unknown, cause: unknown): KeelsonError {
  const result = declared.details?.['~standard'].validate(details) ?? { value: {} }
  if (!(result instanceof Promise) && result.issues)
    throw kernelErrors.CONTRACT_ERROR_INVALID({ code, problems: problemsOf(result.issues) }, { cause })
  // The schema has a JSON form, and its side of the details is an object: defineContract refuses any other.
  const value = (result instanceof Promise ? details : result.value) as KeelsonError['details']
  const { kind, retryable } = declared
  const message = declared.message.replace(/\{(\w+)\}/g, (_, key: string) => String(value[key] ?? ''))
  return new KeelsonError({ code, message, kind, retryable, details: value, cause })
}

/** A schema may be a function too: arktype's are. */
function isSchema(given: Schema | ErrorDeclaration): given is Schema {
  return '~standard' in given
}

const kinds: readonly DeclaredErrorKind[] = [
  'invalid',
  'forbidden',
  'not-found',
  'conflict',
  'too-large',
  'unsupported',
  'unavailable',
]

function kindNamedIn(code: string): DeclaredErrorKind {
  return kinds.find((kind) => `_${code}`.endsWith(`_${kind.toUpperCase().replace('-', '_')}`)) ?? 'invalid'
}

function sentenceOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
