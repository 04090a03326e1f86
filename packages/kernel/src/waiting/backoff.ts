/** How long to pause before the next try: up to a bound that doubles, so that callers who failed together do not come back together. */

export interface Backoff {
  /** The bound of the first pause, in milliseconds. */
  readonly firstMs: number
  /** No pause is longer. */
  readonly mostMs: number
}

/** 2 to the power of a larger number would make a first bound of 0 into no number. */
const mostDoublings = 50

/**
 * The pause in whole milliseconds after `failures` failures in a row (1 or more), drawn evenly from 1 up to the doubled bound ("full
 * jitter": Brooker, Exponential Backoff and Jitter, AWS 2015).
 *
 * @param random gives a number from 0 to below 1.
 */
export function backoffMs({ firstMs, mostMs }: Backoff, failures: number, random: () => number = Math.random): number {
  const doublings = Math.min(Math.max(0, failures - 1), mostDoublings)
  const boundMs = Math.min(mostMs, firstMs * 2 ** doublings)
  return Math.min(boundMs, Math.max(1, Math.ceil(random() * boundMs)))
}
