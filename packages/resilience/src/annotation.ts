/** How a policy stands on an operation: data that whoever runs calls reads, and that configuration may override. */
import { type Annotation, defineAnnotation, type OperationShape, problemsOf } from '@keelson/kernel'
import type * as z from 'zod'
import { resilienceErrors } from './errors.ts'

/** What one annotation says of one policy. */
interface AnnotatedPolicy {
  readonly policy: string
  readonly settings: unknown
  readonly code: unknown
}

const kind = defineAnnotation<AnnotatedPolicy>('policies')

/** An annotation of queries and commands whose values are `Input` and `Output`. */
export type AnsweringAnnotation<Input = unknown, Output = unknown> = Annotation<
  OperationShape<'query' | 'command', Input, Output>
>

/** Throws POLICY_INVALID when the schema refuses the settings. */
export function annotate<On>(policy: string, schema: z.ZodType, settings: unknown, code?: unknown): Annotation<On> {
  const result = schema.safeParse(settings)
  if (!result.success) throw resilienceErrors.POLICY_INVALID({ policy, problems: problemsOf(result.error.issues) })
  return kind.on<On>({ policy, settings: result.data, code })
}

/** An annotation without settings. */
export function annotateCode<On>(policy: string, code: unknown): Annotation<On> {
  return kind.on<On>({ policy, settings: undefined, code })
}

/** Everything that stands on an operation, several annotations as one: later settings win, code is in the order of the annotations. */
export function readPolicies(operation: { readonly annotations: readonly Annotation[] }): {
  readonly settings: Readonly<Record<string, unknown>>
  readonly codeOf: (policy: string) => readonly unknown[]
} {
  const all = operation.annotations.flatMap((one) => kind.read({ annotations: [one] }) ?? [])
  const given = all.filter(({ settings }) => settings !== undefined)
  return {
    settings: Object.fromEntries(given.map(({ policy, settings }) => [policy, settings])),
    codeOf: (name) => all.flatMap(({ policy, code }) => (policy === name && code !== undefined ? [code] : [])),
  }
}
