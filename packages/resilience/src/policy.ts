/**
 * What a policy is made of. Each policy has a file under `policies/` with its settings, its defaults, its annotation, the part of the plan that
 * the pipeline reads, and its state; `policies/policies.ts` is the list of them.
 */
import type { Clock, FlagEvaluator, OperationKind } from '@keelson/kernel'
import * as z from 'zod'
import type { IdempotencyStore } from './idempotency/idempotency-store.ts'
import type { Deadlines } from './policies/deadlines.ts'
import type { RateLimitStore } from './policies/rate-limit-store.ts'
import type { ResultCaches } from './policies/result-cache.ts'

/** What the policies of a process share. */
export interface PolicyPlatform {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly caches: ResultCaches
  readonly rateLimits: RateLimitStore
  readonly idempotency: IdempotencyStore
  /** Undefined while nobody answers for flags: all are off. */
  readonly flags: () => FlagEvaluator | undefined
  /** From 0 to below 1. */
  readonly random: () => number
}

/** Whom a policy protects, and so on which side of a wire it runs. Within one process every policy runs once. */
export type PolicySide = 'caller' | 'callee' | 'both'

/** One number of a policy's state, as a metric. */
export interface PolicyMetric<State> {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  read(state: State): number
}

/** The operation that a policy stands on. */
export interface PolicySubject {
  /** `service.operation` */
  readonly name: string
  /** Whether making a call twice has the effect of making it once: queries, and commands that say so. */
  readonly isRepeatable: boolean
  /** Whether that is so of calls with an idempotency key, as things are set: commands that are `keyed()`. */
  readonly isRepeatableByKey: () => boolean
  readonly platform: PolicyPlatform
  /** What the annotations of this policy hold that is code and cannot be in configuration, in their order. */
  readonly code: readonly unknown[]
}

/** A policy on one operation. It holds what the policy has learnt, which outlives every change of the settings. */
export interface AttachedPolicy<Settings, Part, State> {
  /** The part of the plan for these settings; called again after each change of them. Undefined settings: the policy is off. */
  configure(settings: Settings | undefined): Part | undefined
  /** Counted since the process began. */
  state(): State
}

/** One policy. `Given` are the settings as contract and configuration may give them, `Settings` with the defaults filled in. */
export interface Policy<Given, Settings, Part, State> {
  /** Undefined: there is nothing to set, and configuration cannot turn it off. */
  readonly schema: z.ZodType<Given> | undefined
  readonly defaults: object
  readonly side: PolicySide
  /** Operations of other kinds run without it, whatever the configuration says. */
  readonly kinds: readonly OperationKind[]
  /** Of those, kinds on which only the contract or the configuration of the very operation turns it on, not that of all or of a service. */
  readonly ownKinds?: readonly OperationKind[]
  /** True: it is on where an annotation gives its code, not where settings are given. */
  readonly isCode: boolean
  readonly metrics: readonly PolicyMetric<State>[]
  attach(subject: PolicySubject): AttachedPolicy<Settings, Part, State>
}

/** Kinds whose caller waits for one answer. */
export const answering: readonly OperationKind[] = ['query', 'command']

/** Settings of which each may be left out, and what holds then; the default is shown with the setting's description. */
export function settingsOf<
  Shape extends z.ZodRawShape,
  const Defaults extends { readonly [Name in keyof Shape]?: z.infer<Shape[Name]> },
>(shape: Shape, defaults: Defaults) {
  const optional = Object.entries(shape).map(([name, schema]) => {
    // The shape's own names; a schema of zod's core has these methods in the classic package, which is the one imported here.
    const one = schema as z.ZodType
    const value: unknown = Reflect.get(defaults, name)
    const text = value === undefined ? one.description : `${one.description}; ${value}`
    return [name, text === undefined ? one.optional() : one.optional().describe(text)]
  })
  const made = z.strictObject(Object.fromEntries(optional))
  // Each schema above is that of the shape, made optional.
  const schema = made as unknown as z.ZodObject<{ [Name in keyof Shape]: z.ZodOptional<Shape[Name]> }, z.core.$strict>
  return { schema, defaults }
}

/** What `settingsOf` describes, with the defaults filled in. */
export type SettingsOf<Described extends { readonly schema: z.ZodType; readonly defaults: object }> = {
  readonly [Name in keyof z.infer<Described['schema']> & keyof Described['defaults']]-?: NonNullable<
    z.infer<Described['schema']>[Name]
  >
} & {
  readonly [Name in Exclude<keyof z.infer<Described['schema']>, keyof Described['defaults']>]?: z.infer<
    Described['schema']
  >[Name]
}
