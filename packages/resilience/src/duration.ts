/** Lengths of time as people write them in contracts and configuration: `250ms`, `2s`, `1.5m`, `1h`, `1d`, or a number of milliseconds. */
import * as z from 'zod'

export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const form = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/** In configuration: text such as `2s`, or milliseconds. More than nothing, at most a year. */
export const DurationSetting = z
  .union([z.number(), z.string()])
  .refine((given) => {
    const ms = parseMs(given)
    return ms > 0 && ms <= 366 * unitMs.d
  }, 'is not a duration such as "250ms", "2s" or "1h", or a number of milliseconds above 0')
  .describe('A duration: "250ms", "2s", "1m", "1h", or milliseconds')

/** Milliseconds; NaN for what is no duration. */
export function parseMs(given: number | string): number {
  if (typeof given === 'number') return given
  const match = form.exec(given.trim())
  // The expression admits exactly the keys of `unitMs`.
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : Number.NaN
}
