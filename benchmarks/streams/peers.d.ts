/** What is used of the peers: they are installed only when the benchmark is run, and the check must not depend on that. */
declare module 'redis' {
  interface Client {
    connect(): Promise<unknown>
    close(): Promise<void>
    multi(): Multi
  }
  interface Multi {
    xAdd(key: string, id: string, fields: Readonly<Record<string, string>>): Multi
    execAsPipeline(): Promise<unknown>
  }
  export function createClient(options: { readonly url: string }): Client
}
