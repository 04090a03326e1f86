/** A component of a lifecycle: how it starts, works and closes, what it depends on, and the states it goes through. */
import type { KeelsonError } from '../keelson-error.ts'
import type { Backoff } from '../waiting/backoff.ts'
import type { Lifetime } from './lifetime.ts'
import type { Dependent } from './start-order.ts'

export interface Component extends Dependent {
  /** How long its start may take, in milliseconds; otherwise the lifecycle's. */
  readonly startTimeoutMs?: number
  /** How long its work in flight may take to end, and then again its close; otherwise the lifecycle's. */
  readonly closeTimeoutMs?: number
  /** Starts whenever that component is started, after it. */
  readonly follows?: string
  /** Closes before all that do not, whatever they depend on. Nothing may depend on it. */
  readonly closesFirst?: boolean
  /** False: what has failed stays failed until it is started by name. */
  readonly restart?: Backoff | false
  /**
   * Resolves when the component is ready to be used. What it opens it hands to `lifetime`, which is closed also when start fails; a start
   * that resolves after its time is not used.
   */
  start(lifetime: Lifetime): unknown
  /** Resolves when nothing is in flight any more; called when it is 'closing', before the lifetime is closed, and not when it has failed. */
  drain?(): PromiseLike<void> | void
}

export type ComponentState = 'registered' | 'starting' | 'running' | 'closing' | 'closed' | 'failed'

/** Told of each step and, when it failed, why, so that whoever starts a system can log and show it; 'closed' with an error when it is cut off. */
export type StateChanged = (component: string, state: ComponentState, error?: KeelsonError) => void

/** The state of one component, and its failures. */
export interface ComponentStatus {
  readonly state: ComponentState
  /** Why it failed last; undefined while it runs. */
  readonly error: KeelsonError | undefined
  /** Failures in a row. */
  readonly failures: number
  /** True while it is started again by itself. */
  readonly isRestarting: boolean
}

/** Whether `other` closes before `component` does. */
export function closesBefore(other: Component, component: Component): boolean {
  if (other.closesFirst) return !component.closesFirst || needs(other, component.name)
  return !component.closesFirst && needs(other, component.name)
}

function needs({ dependsOn, optional = [] }: Component, name: string): boolean {
  return dependsOn.includes(name) || optional.includes(name)
}
