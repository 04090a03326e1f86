/** For whom a call is made, as a part of keys: what is kept or counted for one is nobody else's. */
import type { CallContext } from '@keelson/kernel'

/** Text that differs wherever subjects do; empty for a call that is made for nobody. */
export function identityOf({ subject }: Pick<CallContext, 'subject'>): string {
  return subject === undefined ? '' : JSON.stringify(subject)
}
