/**
 * What an operation lets out: its answer without whatever the output schema does not know, since the compiler does not catch extra fields, and
 * nothing that JSON would change.
 */
import { jsonProblems, type Operation, problemsOf } from '@keelson/kernel'
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
