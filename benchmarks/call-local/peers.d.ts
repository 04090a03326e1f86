/** What is used of the peers: they are installed only when the benchmark is run, and the check must not depend on that. */
declare module 'moleculer' {
  export class ServiceBroker {
    constructor(options: object)
    createService(schema: object): unknown
    start(): Promise<void>
    stop(): Promise<void>
    call(action: string, parameters?: unknown): Promise<unknown>
  }
}

declare module 'cockatiel' {
  interface Policy {
    execute(work: () => Promise<unknown>): Promise<unknown>
  }
  export const handleAll: object
  export const TimeoutStrategy: { readonly Aggressive: string }
  export class ConsecutiveBreaker {
    constructor(failures: number)
  }
  export class ExponentialBackoff {}
  export function circuitBreaker(on: object, options: object): Policy
  export function retry(on: object, options: object): Policy
  export function timeout(ms: number, strategy: string): Policy
  export function bulkhead(limit: number, queue: number): Policy
  export function wrap(...policies: Policy[]): Policy
}

declare module 'opossum' {
  export default class CircuitBreaker {
    constructor(work: (...given: never[]) => Promise<unknown>, options: object)
    fire(...given: unknown[]): Promise<unknown>
    shutdown(): void
  }
}
