/** Keys of one process. The oldest outcomes go first where there are too many bytes of them. */
import { type Clock, systemClock } from '@keelson/kernel'
import { Housekeeping } from '../policies/housekeeping.ts'
import type { IdempotencyStore, KeyedCommand, KeyedRun } from './idempotency-store.ts'

interface Kept {
  readonly fingerprint: string
  /** Undefined while the command runs. */
  outcome: string | undefined
  readonly keepUntil: number
}

const retryAfterMs = 100
/** What a key takes beside its text. */
const overheadBytes = 200

/** @param bytes of keys and outcomes together that are kept, 64 MiB unless given. */
export function createInMemoryIdempotencyStore({
  bytes: most = 64 * 1024 * 1024,
  clock = systemClock,
}: {
  readonly bytes?: number
  readonly clock?: Clock
} = {}): IdempotencyStore {
  // In the order in which they were claimed.
  const kept = new Map<string, Kept>()
  let bytes = 0
  const housekeeping = new Housekeeping(() => {
    for (const [place, one] of kept) if (hasGone(one)) forget(place, one)
    return kept.size
  })

  function hasGone({ outcome, keepUntil }: Kept): boolean {
    return outcome !== undefined && keepUntil <= clock.now()
  }

  function forget(place: string, one: Kept): void {
    if (kept.get(place) !== one) return
    kept.delete(place)
    bytes -= sizeOf(place, one)
  }

  function makeRoom(): void {
    for (const [place, one] of kept) {
      if (bytes <= most) return
      if (one.outcome !== undefined) forget(place, one)
    }
  }

  function runOf(place: string, one: Kept): KeyedRun {
    return {
      async finish(outcome, transaction) {
        // Of a transaction that may roll back nothing is known here: the answer to its command tells.
        if (transaction || one.outcome !== undefined || kept.get(place) !== one) return
        one.outcome = outcome
        bytes += 2 * outcome.length
        makeRoom()
      },
      async release() {
        if (one.outcome === undefined) forget(place, one)
      },
    }
  }

  return {
    async claim({ fingerprint, keepMs, ...command }) {
      const place = placeOf(command)
      const found = kept.get(place)
      if (found && !hasGone(found)) {
        if (found.fingerprint !== fingerprint) return { state: 'reused' }
        if (found.outcome === undefined) return { state: 'running', retryAfterMs }
        return { state: 'done', outcome: found.outcome }
      }
      if (found) forget(place, found)
      const one: Kept = { fingerprint, outcome: undefined, keepUntil: clock.now() + keepMs }
      kept.set(place, one)
      bytes += sizeOf(place, one)
      makeRoom()
      housekeeping.wake(kept.size)
      return { state: 'new', run: runOf(place, one) }
    },
  }
}

function placeOf({ identity, operation, key }: KeyedCommand): string {
  return JSON.stringify([identity, operation, key])
}

function sizeOf(place: string, { outcome = '' }: Kept): number {
  return overheadBytes + 2 * (place.length + outcome.length)
}
