/** Sections and a way to load them, which the tests of configuration share. */
import { expect } from 'vitest'
import * as z from 'zod'
import { Configuration, type ConfigurationOptions, isError, Secret } from '../../src/index.ts'

const key = z.string().min(8).meta(Secret.meta).transform(Secret.of)

export const sections = {
  listener: z.object({
    port: z.int().min(0).max(65_535).default(4000),
    host: z.string().default('127.0.0.1'),
    tls: z.object({ cert: z.string(), key: z.string() }).optional(),
  }),
  'full-text': z.object({
    maxBytes: z.int().default(1024),
    languages: z.array(z.string()).default(['en']),
    fast: z.boolean().optional(),
  }),
  labels: z.record(z.string(), z.string()).default({}),
  payment: z
    .object({
      apiKey: key.optional(),
      keys: z.record(z.string(), key).optional(),
      byMode: z
        .discriminatedUnion('mode', [
          z.object({ mode: z.literal('live'), token: key }),
          z.object({ mode: z.literal('off') }),
        ])
        .optional(),
    })
    .refine(({ apiKey }) => apiKey?.reveal() !== 'forbidden-key', {
      error: ({ input }) => `not this: ${JSON.stringify(input)} ${String(Object(input).apiKey?.reveal?.())}`,
    }),
}

type Options = Partial<Omit<ConfigurationOptions<typeof sections>, 'base'>> & { readonly base?: unknown }

export function configurationWith({ base, ...options }: Options = {}): Configuration<typeof sections> {
  return new Configuration({ sections, base: { name: 'code', values: base }, ...options })
}

export async function loaded(options: Options = {}): Promise<Configuration<typeof sections>> {
  const configuration = configurationWith(options)
  await configuration.load()
  return configuration
}

/** The problems that `work` rejects with. */
export async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => expect.fail('it was accepted'),
    (reason: unknown) => reason,
  )
  if (!isError(error, 'CONFIG_INVALID')) throw error
  const problems = error.details['problems']
  return Array.isArray(problems) ? problems.map(String) : []
}

export const problemsWith = (options: Options) => problemsOf(loaded(options))

/** What a problem is about: the dotted path that it opens with. */
export const placeOf = (problem: string) => problem.split(': ')[0]
