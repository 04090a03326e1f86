/** Policies as annotations of a contract. They are data here: whoever runs calls reads them, and configuration may override them. */
import {
  type Annotation,
  type CallContext,
  defineAnnotation,
  type OperationKind,
  type OperationShape,
} from '@keelson/kernel'
import type { Duration } from './duration.ts'
import { checkedSettings, type PolicySettings } from './settings.ts'

type Settings<Name extends keyof PolicySettings> = Exclude<NonNullable<PolicySettings[Name]>, false>
type Any<Input = unknown, Output = unknown> = Annotation<OperationShape<'query' | 'command', Input, Output>>

/** Runs around each try of an operation: calls `next` once, or does without. It may be called concurrently. */
export type Around<Input = never, Output = unknown> = (
  input: Input,
  call: CallContext,
  next: () => Promise<Output>,
) => Promise<Output>

/** What of a policy is code, and so cannot be in configuration. */
export interface PolicyFunctions {
  readonly fallback?: (input: never, error: unknown) => unknown
  readonly around?: readonly Around[]
  readonly cacheKey?: (input: never) => unknown
  readonly cacheTags?: (input: never, output: never) => readonly string[]
  /** Inputs whose answers are made before they are asked for. */
  readonly warm?: readonly unknown[]
  /** Tags that a successful call makes stale. */
  readonly invalidates?: (input: never, output: never) => readonly string[]
  readonly isIdempotent?: boolean
}

/** What stands on an operation. */
export interface AnnotatedPolicies {
  readonly settings: PolicySettings
  readonly functions: PolicyFunctions
}

const kind = defineAnnotation<AnnotatedPolicies>('policies')

function annotate<On>(settings: PolicySettings, functions: PolicyFunctions = {}): Annotation<On> {
  return kind.on<On>({ settings: checkedSettings(settings), functions })
}

/** The call fails with DEADLINE_EXCEEDED after this time, queueing and retries included; calls it makes in turn have what is left of it. */
export function deadline(after: Duration): Any {
  return annotate({ deadline: after })
}

/**
 * Tries again what failed with a retryable error: queries, commands that are `idempotent()`, and calls with an idempotency key. Waits are random
 * between nothing and a bound that doubles (full jitter); what the error says in `retryAfterMs` is honoured.
 */
export function retry(settings: Settings<'retry'> = {}): Any {
  return annotate({ retry: settings })
}

/** Calling this command twice has the effect of calling it once. */
export function idempotent(): Annotation<OperationShape<'command', unknown, unknown>> {
  return annotate({}, { isIdempotent: true })
}

/** Refuses calls with CIRCUIT_OPEN for a while once the operation fails too often. */
export function breaker(settings: Settings<'breaker'> = {}): Any {
  return annotate({ breaker: settings })
}

/**
 * Bounds how many calls run at the same time; further ones wait in order, or are refused with BULKHEAD_FULL. With `adaptive`, the bound is found
 * by measuring: it falls when calls take longer than they did, and grows while they do not.
 */
export function bulkhead(settings: Settings<'bulkhead'> = {}): Any {
  return annotate({ bulkhead: settings })
}

/**
 * Makes a call a second time, beside the first, when it takes longer than most of those before; the first answer counts, and the other attempt is told by
 * its signal. Queries, commands that are `idempotent()`, and calls with an idempotency key.
 */
export function hedge(settings: Settings<'hedge'> = {}): Any {
  return annotate({ hedge: settings })
}

/** Refuses calls over a rate with RATE_LIMITED (the generic cell rate algorithm). */
export function rateLimit(settings: Settings<'rateLimit'>): Any {
  return annotate({ rateLimit: settings })
}

/** Answers in place of a call that failed for a reason that is not the caller's. What it throws is the call's failure. */
export function fallback<Input, Output>(
  instead: (input: Input, error: unknown) => Output | Promise<Output>,
): Any<Input, Output> {
  return annotate({}, { fallback: instead })
}

/**
 * Keeps answers. One call at a time makes the answer for an input; others wait for it. Kept answers are frozen and shared.
 *
 * @example
 * cache({ ttl: '30s', grace: '5m', tags: (input) => [`document:${input.id}`] })
 */
export function cache<Input, Output>(
  settings: Settings<'cache'> & {
    /** What the answer depends on; the whole input when left out. Calls for different subjects never share an answer. */
    readonly by?: (input: Input) => unknown
    readonly tags?: (input: Input, output: Output) => readonly string[]
    readonly warm?: readonly Input[]
  } = {},
): Annotation<OperationShape<'query', Input, Output>> {
  const { by, tags, warm, ...rest } = settings
  return annotate(
    { cache: rest },
    { ...(by && { cacheKey: by }), ...(tags && { cacheTags: tags }), ...(warm && { warm }) },
  )
}

/** After each success, answers kept under these tags are made anew. */
export function invalidates<Input, Output>(
  tags: (input: Input, output: Output) => readonly string[],
): Annotation<OperationShape<'command', Input, Output>> {
  return annotate({}, { invalidates: tags })
}

/** Refuses calls with OPERATION_DISABLED where the flag is off. */
export function flag(name: string): Annotation<OperationShape<OperationKind, unknown, unknown>> {
  return annotate({ flag: name })
}

/** A policy of one's own, around each try and inside breaker and bulkhead; the first named is the outermost. */
export function around<Input, Output>(policy: Around<Input, Output>): Any<Input, Output> {
  return annotate({}, { around: [policy as Around] })
}

/** Everything that stands on an operation, several annotations as one. */
export function readPolicies(operation: { readonly annotations: readonly Annotation[] }): AnnotatedPolicies {
  const all = operation.annotations.flatMap((one) => kind.read({ annotations: [one] }) ?? [])
  return {
    settings: Object.assign({}, ...all.map((one) => one.settings)),
    functions: {
      ...Object.assign({}, ...all.map((one) => one.functions)),
      around: all.flatMap((one) => one.functions.around ?? []),
    },
  }
}
