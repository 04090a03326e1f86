/**
 * What an operation lets out: its answer without whatever the output schema does not know, since the compiler does not catch extra fields, and
 * nothing that JSON would change.
 */
import {
  isRecord,
  isSame,
  type JsonSchema,
  jsonProblems,
  jsonSchemaOf,
  type Operation,
  problemsOf,
  referenceTarget,
} from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'

/**
 * Rejects with OPERATION_OUTPUT_INVALID.
 *
 * @param subject `service.operation`
 */
export async function strip(output: unknown, operation: Operation, subject: string): Promise<unknown> {
  if (!operation.output) return undefined
  const result = await operation.output['~standard'].validate(output)
  const problems = result.issues ? problemsOf(result.issues) : jsonProblems(result.value)
  if (problems.length > 0) throw servicesErrors.OPERATION_OUTPUT_INVALID({ operation: subject, problems })
  return result.issues ? undefined : result.value
}

/**
 * Whether the output schema fills in what an implementation may leave out. Callers in the process are promised that too, so that such an
 * answer, unlike others, is parsed for them.
 */
export function fillsOutput({ output }: Operation, subject: string): boolean {
  if (!output) return false
  const [wrote, read] = (['input', 'output'] as const).map((side) => unnamed(jsonSchemaOf(output, side, subject)))
  return !isSame(bare(wrote, closedness), bare(read, closedness)) && isSame(bare(wrote, presence), bare(read, presence))
}

/** A schema that is named as a whole shows only its name on one of the sides. */
function unnamed(schema: JsonSchema): JsonSchema {
  const { $ref: reference, $defs: definitions } = schema
  const target = typeof reference === 'string' ? referenceTarget(reference, schema) : undefined
  return isRecord(target) ? { ...target, $defs: definitions } : schema
}

const closedness = new Set(['additionalProperties', '$schema', '$id'])
const presence = new Set([...closedness, 'required', 'default'])

/** A schema without some of its keywords, at any depth; schemas and properties of such a name stay. */
function bare(schema: unknown, keywords: ReadonlySet<string>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => bare(item, keywords))
  if (!isRecord(schema)) return schema
  const kept = Object.entries(schema).filter(([key, value]) => !keywords.has(key) || isRecord(value))
  return Object.fromEntries(kept.map(([key, value]) => [key, bare(value, keywords)]))
}
