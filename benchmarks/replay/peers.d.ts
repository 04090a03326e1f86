/** What the benchmark uses of peers that are installed only when it runs. */
declare module 'pg-cursor' {
  import type { Submittable } from 'pg'
  export default class Cursor implements Submittable {
    constructor(sql: string, values: readonly unknown[])
    submit(connection: unknown): void
    read(count: number): Promise<Record<string, unknown>[]>
    close(): Promise<void>
  }
}
declare module 'pg-copy-streams' {
  import type { Readable } from 'node:stream'
  import type { Submittable } from 'pg'
  export function to(sql: string): Readable & Submittable & { readonly rowCount: number }
}
