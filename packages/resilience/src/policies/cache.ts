/** Keeps answers of queries, so that they are not made each time. */
import type { Annotation, OperationShape } from '@keelson/kernel'
import * as z from 'zod'
import { annotate } from '../annotation.ts'
import { DurationSetting, parseMs } from '../duration.ts'
import { type Policy, type SettingsOf, settingsOf } from '../policy.ts'
import { type CacheCounts, ResultCache } from './result-cache.ts'

const settings = settingsOf(
  {
    ttl: DurationSetting.describe('How long an answer is fresh'),
    grace: DurationSetting.describe('How much longer an answer is used when there is no newer one to be had; none'),
    refreshAhead: z
      .number()
      .min(0)
      .max(1)
      .describe('A hit after this share of the time to live makes a new answer in the background'),
    within: DurationSetting.describe('How long making an answer may take where the operation has no deadline'),
  },
  { ttl: '30s', within: '30s' },
)
type CacheSettings = SettingsOf<typeof settings>

interface CacheCode {
  readonly by: ((input: never) => unknown) | undefined
  readonly tags: ((input: never, output: never) => readonly string[]) | undefined
  readonly warm: readonly unknown[] | undefined
}

/**
 * Keeps answers, as the output schema lets them out. One call at a time makes the answer for an input, under the deadline of the operation and
 * nobody else's; others wait for it, each as long as its own caller does. Kept answers are frozen and shared; an answer that holds what
 * cannot be frozen, such as a Date, is copied for each caller.
 *
 * @example
 * cache({ ttl: '30s', grace: '5m', tags: (input) => [`document:${input.id}`] })
 */
export function cache<Input, Output>(
  given: z.infer<typeof settings.schema> & {
    /** What the answer depends on; the whole input when left out. Calls for different subjects never share an answer. */
    readonly by?: (input: Input) => unknown
    readonly tags?: (input: Input, output: Output) => readonly string[]
    readonly warm?: readonly Input[]
  } = {},
): Annotation<OperationShape<'query', Input, Output>> {
  const { by, tags, warm, ...rest } = given
  const code: CacheCode = { by, tags, warm }
  return annotate('cache', settings.schema, rest, code)
}

export const cachePolicy: Policy<z.infer<typeof settings.schema>, CacheSettings, ResultCache, Readonly<CacheCounts>> = {
  ...settings,
  side: 'callee',
  // A command that was answered from a cache would not take effect.
  kinds: ['query'],
  isCode: false,
  metrics: [
    { kind: 'counter', name: 'keelson_cache_hits_total', help: 'Answers that were kept', read: ({ hits }) => hits },
    {
      kind: 'counter',
      name: 'keelson_cache_misses_total',
      help: 'Answers that had to be made',
      read: ({ misses }) => misses,
    },
    {
      kind: 'counter',
      name: 'keelson_cache_stale_total',
      help: 'Kept answers that stood in after their time',
      read: ({ stale }) => stale,
    },
  ],
  attach({ name, platform, code }) {
    const counts: CacheCounts = { hits: 0, misses: 0, stale: 0 }
    // Only the annotation above writes it. A cache that only the configuration asks for has none.
    const { by, tags, warm = [] } = (code.at(-1) as CacheCode | undefined) ?? {}
    return {
      configure(given) {
        if (!given) return undefined
        const ttlMs = parseMs(given.ttl)
        const settings = {
          ttlMs,
          graceMs: given.grace === undefined ? 0 : parseMs(given.grace),
          refreshAfterMs: given.refreshAhead === undefined ? Number.POSITIVE_INFINITY : ttlMs * given.refreshAhead,
          withinMs: parseMs(given.within),
          keyOf: by,
          tagsOf: tags,
        }
        return new ResultCache(name, settings, warm, platform, counts)
      },
      state: () => ({ ...counts }),
    }
  },
}
