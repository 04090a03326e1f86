/**
 * The errors an operation declares: which codes a caller should expect, of what kind, with what details. They are data of the contract, so
 * that callers test for them with types, REST documents them and compatibility checks see one disappear. The key is the code itself.
 */
import type { ErrorKind } from '../keelson-error.ts'
import type { Parsed, Schema } from '../schema/schema.ts'

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
