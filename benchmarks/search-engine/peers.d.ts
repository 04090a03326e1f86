/** What is used of the peer: it is installed only when the benchmark is run, and the check must not depend on that. */
declare module 'minisearch' {
  interface Found {
    readonly id: string
    readonly type: string
  }
  export default class MiniSearch {
    constructor(options: { fields: readonly string[]; storeFields: readonly string[] })
    addAll(entries: readonly object[]): void
    search(query: string, options?: { prefix?: boolean; fuzzy?: number; combineWith?: 'AND' | 'OR' }): readonly Found[]
  }
}
