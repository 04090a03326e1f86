/**
 * Ids of traces and spans. They need to be unlikely to meet, not hard to guess, so they come from a plain generator: eight bits at a time
 * through a table, which is several times cheaper than formatting random bytes.
 */

/** Gives numbers from 0 to below 1, evenly spread, as `Math.random` does. */
export type Random = () => number

export interface TraceIds {
  /** 32 lower-case hexadecimal digits, not all zero. */
  trace(): string
  /** 16 lower-case hexadecimal digits, not all zero. */
  span(): string
}

const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function createTraceIds(random: Random = Math.random): TraceIds {
  const eightDigits = () => {
    const word = (random() * 2 ** 32) >>> 0
    return `${bytes[word >>> 24]}${bytes[(word >>> 16) & 255]}${bytes[(word >>> 8) & 255]}${bytes[word & 255]}`
  }
  const span = () => {
    const id = eightDigits() + eightDigits()
    return id === '0000000000000000' ? '0000000000000001' : id
  }
  return { span, trace: () => span() + span() }
}
