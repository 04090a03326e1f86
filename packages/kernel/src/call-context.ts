/**
 * What travels with a call: its correlation id, its place in a trace, whom it is for, and how long the caller waits. It is entered into
 * AsyncLocalStorage only at the edges (an HTTP request, a command line) and where it changes for what a call does in turn, since entering
 * it costs more than a whole local call; from there every nested call finds it, and an unchanged context is never copied.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface CallContext {
  /** The same through every call that one request causes; appears in logs and in error responses. */
  readonly correlationId: string
  /** Aborts when the caller no longer waits for the answer. */
  readonly signal: AbortSignal
  /** When the caller stops waiting, on this process's monotonic clock in milliseconds; undefined: never. */
  readonly deadlineAt?: number | undefined
  /** Whom the call is made for: a user, a tenant. */
  readonly subject?: string | undefined
  /** Calls of a command with the same key have the effect of one. */
  readonly idempotencyKey?: string | undefined
  /** Where in a trace the call stands; undefined while nobody has decided about one. */
  readonly trace?: TraceContext | undefined
}

/** A place in a trace, as W3C Trace Context carries it between processes. A span is the context of what happens inside it. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits, not all zero: the span that what follows belongs to. */
  readonly spanId: string
  /** Decided where the trace began, and the same all the way down. */
  readonly isSampled: boolean
  /** What other tracing systems handed along, passed on as it came; empty when there is nothing. */
  readonly traceState: string
}

const storage = new AsyncLocalStorage<CallContext>()

/** The context of calls that no edge has begun: never aborted, without a correlation id. */
export const rootCall: CallContext = { correlationId: '', signal: new AbortController().signal }

/** The context that the running code was called in. */
export function currentCall(): CallContext {
  return storage.getStore() ?? rootCall
}

/** `call` at another place of its trace. Whatever kind of object `call` is: a spread would miss what an object works out when it is asked. */
export function withTrace(call: CallContext, trace: TraceContext): CallContext {
  const { correlationId, signal, deadlineAt, subject, idempotencyKey } = call
  return { correlationId, signal, deadlineAt, subject, idempotencyKey, trace }
}

/** Runs `work` in `call`: nested calls that are given no context of their own find this one. */
export function runInCall<T>(call: CallContext, work: () => T): T {
  return storage.run(call, work)
}
