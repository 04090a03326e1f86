/**
 * A port is a typed token for something an adapter provides: a service names it in `uses`, an adapter in `provides`. Token and
 * interface share one name (`Database` the type, `Database` the port), so there is one word to import.
 */
declare const provided: unique symbol

export interface Port<T> {
  readonly kind: 'port'
  readonly name: string
  /** Exists for the compiler only: what resolving the port gives. */
  readonly [provided]: T
}

export function definePort<T>(name: string): Port<T> {
  // The phantom property carries a type and is never read.
  return { kind: 'port', name } as Port<T>
}
