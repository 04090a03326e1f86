/** How long to wait before what has failed is started again: exponential backoff with jitter, so that many do not come back at once. */
export interface RestartPolicy {
  /** The wait after the first failure, in milliseconds. */
  readonly initialDelayMs: number
  /** No wait is longer. What ran for longer than this before it failed begins again at the first wait. */
  readonly maxDelayMs: number
}

/** Keeps the time from the end of the cause to the next start under five seconds. */
export const defaultRestart: RestartPolicy = { initialDelayMs: 100, maxDelayMs: 5_000 }

/**
 * The wait in milliseconds before the start that follows `failures` failures in a row (1 or more): between half and all of the doubled
 * delay. `random` gives a number from 0 to below 1.
 */
export function restartDelayMs(policy: RestartPolicy, failures: number, random: () => number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** (failures - 1))
  return ceiling * (0.5 + random() / 2)
}
