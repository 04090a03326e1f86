/** Ids of events: UUIDs of version 7 (RFC 9562), which begin with the time, so that an index of them grows at its end. */
import { createHash, randomFillSync } from 'node:crypto'

export type MakeEventId = (now: number) => string

const poolBytes = 1_024 * 10
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Random bytes are drawn a thousand ids at a time: one by one they cost more than the rest of an append. */
export function createEventIds(): MakeEventId {
  const pool = Buffer.alloc(poolBytes)
  let used = poolBytes
  const next = () => hex[pool[used++] ?? 0] ?? ''
  return (now) => {
    if (used + 10 > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    const time = now.toString(16).padStart(12, '0').slice(-12)
    const version = `7${(pool[used++] ?? 0).toString(16).padStart(2, '0')}${((pool[used++] ?? 0) & 15).toString(16)}`
    const variant = hex[((pool[used++] ?? 0) & 0x3f) | 0x80] ?? ''
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}${next()}-${next()}${next()}${next()}${next()}${next()}${next()}`
  }
}

/** Lower-case, as PostgreSQL writes it; undefined for what is no UUID. */
export function asEventId(text: string): string | undefined {
  const id = text.toLowerCase()
  return uuid.test(id) ? id : undefined
}

/** The same id for the same parts, so that what is done again is recognised: a UUID of version 8 from a hash. Parts cannot run into each other. */
export function hashedEventId(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}
