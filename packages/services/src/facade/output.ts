/** What an operation lets out: its answer without whatever the output schema does not know, since the compiler does not catch extra fields. */
import { type Operation, problemsOf } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'

/**
 * Rejects with OPERATION_OUTPUT_INVALID.
 *
 * @param subject `service.operation`
 */
export async function strip(output: unknown, operation: Operation, subject: string): Promise<unknown> {
  if (!operation.output) return undefined
  const result = await operation.output['~standard'].validate(output)
  if (result.issues)
    throw servicesErrors.OPERATION_OUTPUT_INVALID({ operation: subject, problems: problemsOf(result.issues) })
  return result.value
}
