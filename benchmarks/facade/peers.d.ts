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
