/** What is counted from 1 in the options of a model: dimensions, terms. */
import { infrastructureErrors } from '../errors.ts'

/** @throws MODEL_OPTIONS_INVALID */
export function requireCount(field: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw infrastructureErrors.MODEL_OPTIONS_INVALID({ reason: `${field} must be a whole number from 1, not ${value}` })
}
