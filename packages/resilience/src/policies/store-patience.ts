/** How long a call waits for a store that its policies ask: one that never answers counts as one that cannot be reached. */
import { type Clock, withinTime } from '@keelson/kernel'

const timeoutMs = 2_000

/** Settles as `asked` does, or rejects after two seconds. */
export function patiently<T>(asked: PromiseLike<T>, clock: Clock): Promise<T> {
  const timedOut = () => new Error(`the store did not answer within ${timeoutMs} ms`)
  return withinTime(() => asked, { timeoutMs, clock, timedOut })
}
