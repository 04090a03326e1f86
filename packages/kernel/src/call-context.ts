/**
 * The context of a call: the request that it is part of, who calls, how long the caller waits, and the call's place in a trace. It is
 * entered into AsyncLocalStorage only at the edges (an HTTP request, a command line) and where it differs for what a call does in turn,
 * since entering it costs more than a whole local call; from there every nested call finds it, and an unchanged context is never copied.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { CallKey } from './call-key.ts'

/** The request that a call is part of, however deep: one frozen object, shared by every call that the request causes. */
export interface CallOrigin {
  /** Appears in logs, in events and in error answers; empty when there is no request. */
  readonly correlationId: string
  readonly identity: Identity
  /** The idempotency key that the request came with. */
  readonly key: string | undefined
}

/** For whom a request is made. */
export interface Identity {
  /** A user or a program; undefined while nobody is known. */
  readonly subject: string | undefined
  /** Whose data it is about. Subjects of two tenants are two, whatever they are called. */
  readonly tenant: string | undefined
  readonly roles: readonly string[]
}

export interface CallContext {
  readonly origin: CallOrigin
  /**
   * The service that makes the call; empty when it is none. An implementation is given it; it is no reason to enter a context, so that
   * `currentCall()` may show the caller of a call further out.
   */
  readonly caller: string
  /** Aborts when the caller no longer waits for the answer. */
  readonly signal: AbortSignal
  /** When the caller stops waiting, on this process's monotonic clock in milliseconds; undefined: never. */
  readonly deadlineAt: number | undefined
  /** Where in a trace the call stands; undefined while nobody has decided about one. */
  readonly trace: TraceContext | undefined
  /** Makes the call take effect once, where its operation declares that; undefined for a call that came without. */
  readonly key: CallKey | undefined
}

/** In what a call differs from the context it is made in. Left out or undefined: as there. */
export type CallChanges = { readonly [Part in keyof CallContext]?: CallContext[Part] | undefined }

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

/** What a request brings; whatever is left out is nobody's, never ends, and is called by no service. */
export interface CallOptions {
  /** A random one unless given. */
  readonly correlationId?: string | undefined
  readonly subject?: string | undefined
  readonly tenant?: string | undefined
  readonly roles?: readonly string[] | undefined
  /** As text, 1 to 255 visible ASCII characters. */
  readonly key?: string | CallKey | undefined
  readonly caller?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly deadlineAt?: number | undefined
  readonly trace?: TraceContext | undefined
}

class Call implements CallContext {
  readonly origin: CallOrigin
  readonly caller: string
  readonly deadlineAt: number | undefined
  readonly trace: TraceContext | undefined
  readonly key: CallKey | undefined
  readonly #signal: AbortSignal | undefined
  readonly #from: CallContext | undefined

  constructor(parts: Omit<CallContext, 'signal'>, signal: AbortSignal | undefined, from: CallContext | undefined) {
    this.origin = parts.origin
    this.caller = parts.caller
    this.deadlineAt = parts.deadlineAt
    this.trace = parts.trace
    this.key = parts.key
    this.#signal = signal
    this.#from = from
  }

  /** Asked for late: the context that this one comes from may only make its signal when somebody wants it. */
  get signal(): AbortSignal {
    return this.#signal ?? this.#from?.signal ?? never
  }
}

const never = new AbortController().signal
const nobody: Identity = Object.freeze({ subject: undefined, tenant: undefined, roles: Object.freeze([]) })
const noOrigin: CallOrigin = Object.freeze({ correlationId: '', identity: nobody, key: undefined })
const storage = new AsyncLocalStorage<CallContext>()

/** The context of calls that no edge has begun: never aborted, without a correlation id. */
export const rootCall: CallContext = new Call(
  { origin: noOrigin, caller: '', deadlineAt: undefined, trace: undefined, key: undefined },
  never,
  undefined,
)

/**
 * The context of a request that begins here: for jobs, tests, and surfaces that take calls from outside. Throws
 * IDEMPOTENCY_KEY_INVALID.
 *
 * @example
 * await carts.checkout({ id }, createCall({ subject: 'ada', tenant: 'acme', key: `nightly-${date}` }))
 */
export function createCall(options: CallOptions = {}): CallContext {
  const { correlationId = crypto.randomUUID(), subject, tenant, roles = [], key, caller = '' } = options
  const { signal = never, deadlineAt, trace } = options
  const own = typeof key === 'string' ? CallKey.of(key) : key
  const identity = Object.freeze({ subject, tenant, roles: Object.freeze([...roles]) })
  const origin = Object.freeze({ correlationId, identity, key: own?.text })
  return new Call({ origin, caller, deadlineAt, trace, key: own }, signal, undefined)
}

/**
 * `call` with `changes`: the one way in which a context is made from another, so that a part added to either reaches all that come after.
 * The signal of `call` is not asked for before somebody wants it.
 */
export function deriveCall(call: CallContext, changes: CallChanges): CallContext {
  return new Call(
    {
      origin: changes.origin ?? call.origin,
      caller: changes.caller ?? call.caller,
      deadlineAt: changes.deadlineAt ?? call.deadlineAt,
      trace: changes.trace ?? call.trace,
      key: changes.key ?? call.key,
    },
    changes.signal,
    call,
  )
}

/** The context for one run of what `call` asks for: calls made in it are counted anew for their keys. Itself where there is no key. */
export function beginCall(call: CallContext): CallContext {
  return call.key === undefined ? call : deriveCall(call, { key: call.key.begin() })
}

/** A call of the same request for which nobody waits: it has no signal, deadline, trace or key of its own. For work in the background. */
export function detachCall({ origin, caller }: CallContext): CallContext {
  return deriveCall(rootCall, { origin, caller })
}

/**
 * The context for a call that is told by `name` from the other calls of its operation that the running implementation makes: for calls whose
 * order may vary from one repetition to the next. A call that came without a key makes calls without one.
 *
 * @example
 * await Promise.all(lines.map((line) => stock.reserve(line, namedCall(call, line.sku))))
 */
export function namedCall(call: CallContext, name: string): CallContext {
  return call.key === undefined ? call : deriveCall(call, { key: call.key.named(name) })
}

/** The context that the running code was called in. */
export function currentCall(): CallContext {
  return storage.getStore() ?? rootCall
}

/**
 * Runs `work` in `call`: nested calls that are given no context of their own find this one. Costs nothing where it is the current one. Where
 * `call` has a key that nothing runs under yet, `work` is a run under it (see `beginCall`): the calls it makes are told from one another.
 */
export function runInCall<T>(call: CallContext, work: () => T): T {
  if (storage.getStore() === call) return work()
  return storage.run(call.key?.isBegun === false ? beginCall(call) : call, work)
}
