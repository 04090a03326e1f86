/** What is used of the peer: it is installed only when the benchmark is run, and the check must not depend on that. */
declare module 'minisearch' {
  interface Found {
    readonly id: string
    readonly type: string
    readonly pages: number
  }
  interface Options {
    readonly prefix?: boolean
    readonly fuzzy?: number
    readonly combineWith?: 'AND' | 'OR'
    readonly filter?: (found: Found) => boolean
  }
  export default class MiniSearch {
    constructor(options: { fields: readonly string[]; storeFields: readonly string[] })
    addAll(entries: readonly object[]): void
    search(query: string, options?: Options): readonly Found[]
  }
}
