/** An object of one's own in the registry: made by a factory, started and closed with the rest, without a contract. */
import type { Clock, Lifetime, Resolved, Uses } from '@keelson/kernel'
import type { Log } from '@keelson/telemetry'

/** What an object may have beside its own methods. */
export interface LifecycleHooks {
  /** Awaited before anything may use the object. */
  init?(): unknown
  /** Called when the object is running; what it throws makes it fail, so that it is made anew. */
  ready?(): unknown
  /** Awaited when the object is closed, after all that uses it. */
  cleanup?(): unknown
}

/** What a factory is given beside what it uses. */
export interface FactoryPlatform {
  readonly log: Log
  readonly clock: Clock
  readonly lifetime: Lifetime
}

export type Factory<T, U extends Uses> = (given: Resolved<U> & FactoryPlatform) => T | Promise<T>

/** Makes the object and runs its `init`; `cleanup` runs also when that fails. */
export async function startObject<T extends object>(make: () => T | Promise<T>, lifetime: Lifetime): Promise<T> {
  const made = await make()
  const { cleanup, init } = hooksOf(made)
  if (cleanup) lifetime.onClose(() => cleanup.call(made))
  await init?.call(made)
  return made
}

/** The hooks that an object has; a property of that name that is no function is none. */
export function hooksOf(made: object): LifecycleHooks {
  const hooks = Object.entries({
    init: Reflect.get(made, 'init'),
    ready: Reflect.get(made, 'ready'),
    cleanup: Reflect.get(made, 'cleanup'),
  })
  return Object.fromEntries(hooks.filter(([, hook]) => typeof hook === 'function'))
}
