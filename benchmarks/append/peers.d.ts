/** What the benchmark uses of peers that are installed only when it runs. */
declare module '@event-driven-io/emmett-postgresql' {
  export function getPostgreSQLEventStore(connectionString: string): {
    appendToStream(
      stream: string,
      events: readonly { readonly type: string; readonly data: object; readonly metadata: object }[],
    ): Promise<unknown>
    close(): Promise<void>
  }
}
