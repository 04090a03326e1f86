/** Which commands may be repeated: an operation declares it, no caller can. */
import type { Annotation, OperationShape } from '@keelson/kernel'
import { annotateCode } from '../annotation.ts'

/** The name under which annotations say it. */
export const idempotence = 'idempotent'

/** Calling this command twice has the effect of calling it once. */
export function idempotent(): Annotation<OperationShape<'command', unknown, unknown>> {
  return annotateCode(idempotence, true)
}
