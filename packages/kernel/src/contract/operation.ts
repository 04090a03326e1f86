/**
 * The three kinds of operation. A contract carries value types, not schema types: what a caller gives and gets is written once into the
 * operation's type, so that messages stay short and no validator appears in published types.
 */
import type { Given, Parsed, Schema } from '../schema/schema.ts'
import type { Annotation, OperationShape } from './annotation.ts'
import { type DeclaredError, declareErrors, type ErrorDeclarations, type ErrorValues } from './declared-error.ts'

declare const values: unique symbol

export type OperationKind = 'query' | 'command' | 'subscription'

/**
 * One operation. `In` is what callers give and `Read` what the implementation is given (parsed: defaults filled in); `Wrote` is what the
 * implementation returns and `Out` what callers get. For a subscription both are the items of an async iterable. `Errors` are the details
 * of the declared errors by code.
 */
export interface Operation<
  Kind extends OperationKind = OperationKind,
  In = unknown,
  Out = unknown,
  Read = unknown,
  Wrote = unknown,
  Errors = unknown,
> {
  readonly kind: Kind
  readonly summary: string
  readonly input: Schema | undefined
  readonly output: Schema | undefined
  /** The errors a caller should expect, by code. Others may come too. */
  readonly errors: Readonly<Record<string, DeclaredError>>
  readonly annotations: readonly Annotation[]
  /** Exists for the compiler only. */
  readonly [values]: {
    readonly in: In
    readonly out: Out
    readonly read: Read
    readonly wrote: Wrote
    readonly errors: Errors
  }
}

export type Operations = Readonly<Record<string, Operation>>

/** Stands for a schema that was left out: no input, or no output. */
type Nothing = Schema<void, void>

type NoErrors = Record<never, never>

interface OperationSchemas<Input extends Schema, Output extends Schema, Errors> {
  /** One sentence for people: OpenAPI, the reference page and `--help` show it. */
  readonly summary?: string
  readonly input?: Input
  readonly output?: Output
  /** By code (`NOT_FOUND`): the schema of its details, or a declaration with kind and message. `errorsOf` makes them. */
  readonly errors?: Errors & ErrorDeclarations
}

type AnnotationsOn<Kind, Input extends Schema, Output extends Schema> = readonly Annotation<
  OperationShape<Kind, Parsed<Input>, Parsed<Output>>
>[]

/** Reads and changes nothing: it may be repeated and cached. */
export function query<Input extends Schema = Nothing, Output extends Schema = Nothing, const Errors = NoErrors>(
  schemas: OperationSchemas<Input, Output, Errors>,
  ...annotations: AnnotationsOn<'query', Input, Output>
): Operation<'query', Given<Input>, Parsed<Output>, Parsed<Input>, Given<Output>, ErrorValues<Errors>> {
  return operation('query', schemas, annotations)
}

/** Changes something. */
export function command<Input extends Schema = Nothing, Output extends Schema = Nothing, const Errors = NoErrors>(
  schemas: OperationSchemas<Input, Output, Errors>,
  ...annotations: AnnotationsOn<'command', Input, Output>
): Operation<'command', Given<Input>, Parsed<Output>, Parsed<Input>, Given<Output>, ErrorValues<Errors>> {
  return operation('command', schemas, annotations)
}

/** Answers with a series of items until it ends or the caller stops reading. */
export function subscription<Input extends Schema = Nothing, Output extends Schema = Nothing, const Errors = NoErrors>(
  schemas: OperationSchemas<Input, Output, Errors>,
  ...annotations: AnnotationsOn<'subscription', Input, Output>
): Operation<'subscription', Given<Input>, Parsed<Output>, Parsed<Input>, Given<Output>, ErrorValues<Errors>> {
  return operation('subscription', schemas, annotations)
}

function operation<Kind extends OperationKind, Made>(
  kind: Kind,
  schemas: OperationSchemas<Schema, Schema, unknown>,
  annotations: readonly Annotation[],
): Made {
  // Each caller above states the value types of the schemas it was given; here they are only carried.
  return {
    kind,
    summary: schemas.summary ?? '',
    input: schemas.input,
    output: schemas.output,
    errors: declareErrors(schemas.errors ?? {}),
    annotations,
  } as Made
}

/** The value types of an operation. */
export type OperationValues<Op extends Operation> = Op[typeof values]
type Awaitable<T> = T | Promise<T>

/** The parameters of a call: an operation without input may be called with none. */
export type CallParameters<Op extends Operation, Options> = void extends OperationValues<Op>['in']
  ? [input?: undefined, options?: Options]
  : [input: OperationValues<Op>['in'], options?: Options]

/** What a call gives its caller. */
export type CallResult<Op extends Operation> = Op['kind'] extends 'subscription'
  ? AsyncIterable<OperationValues<Op>['out']>
  : Promise<OperationValues<Op>['out']>

/** The function that implements an operation. */
export type Handler<Op extends Operation, Context> = (
  input: OperationValues<Op>['read'],
  call: Context,
) => Op['kind'] extends 'subscription'
  ? AsyncIterable<OperationValues<Op>['wrote']>
  : Awaitable<OperationValues<Op>['wrote']>
