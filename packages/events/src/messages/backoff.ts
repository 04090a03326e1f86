/** How long to pause before the next try: twice as long each time, up to a limit. */
export interface Backoff {
  /** Before the second try. */
  readonly firstMs: number
  readonly mostMs: number
}

/** @param failures so far, 1 and up. */
export function pauseMs({ firstMs, mostMs }: Backoff, failures: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
}
