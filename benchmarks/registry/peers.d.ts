/** What is used of the peers: they are installed only when the benchmark is run, and the check must not depend on that. */
declare module 'awilix' {
  export interface Container {
    register(name: string, registration: unknown): unknown
    resolve(name: string): unknown
  }
  export function createContainer(): Container
  export function asValue(value: unknown): unknown
}
