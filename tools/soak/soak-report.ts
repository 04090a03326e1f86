/** What every soak comes to. */

/** What a soak found. */
export interface SoakReport {
  readonly rows: readonly { readonly what: string; readonly count: number }[]
  /** Promises that were broken, in words. */
  readonly violations: readonly string[]
}
