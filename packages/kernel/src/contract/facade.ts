/**
 * A facade is what a caller holds: the typed operations of a service and a few words about the service itself. It exists from the moment a
 * service is registered, so that it can be handed out before anything runs; a call to a service that does not run is refused by name.
 */
import type { CallChanges, CallContext } from '../call-context.ts'
import type { HealthReport } from '../health/health.ts'
import type { ComponentState } from '../lifecycle/component.ts'
import type { CallParameters, CallResult, Handler, Operations } from './operation.ts'

/**
 * The operations as functions: input first, then in what the call differs from the current one (a signal, a deadline), or a whole context
 * in its place, as `createCall` makes one. Calls that the operation makes in turn find it too.
 */
export type ServiceOperations<Ops extends Operations> = {
  readonly [Name in keyof Ops]: (...parameters: CallParameters<Ops[Name], CallChanges>) => CallResult<Ops[Name]>
}

/** Calls of one operation since the process began. */
export interface OperationMetrics {
  readonly calls: number
  readonly failures: number
}

interface AboutService<Ops extends Operations> {
  readonly name: string
  readonly status: ComponentState
  readonly config: unknown
  /**
   * Starts the service, and first what it depends on; resolves when it is ready. Safe to repeat. Rejects with SERVICE_NOT_OWNED on a facade
   * that was given through `uses`.
   */
  initialize(): Promise<void>
  health(): Promise<HealthReport>
  metrics(): Readonly<Record<string, OperationMetrics>>
  /** Closes the service. Safe to repeat. Rejects with SERVICE_NOT_OWNED on a facade that was given through `uses`. */
  cleanup(): Promise<void>
  /** The operations alone. */
  readonly service: ServiceOperations<Ops>
}

export type Facade<Ops extends Operations = Operations> = AboutService<Ops> & ServiceOperations<Ops>

/** One function per operation. */
export type Implementation<Ops extends Operations> = { readonly [Name in keyof Ops]: Handler<Ops[Name], CallContext> }
