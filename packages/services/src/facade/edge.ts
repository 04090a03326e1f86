/**
 * Calls that come from outside the process, whatever carries them: what comes in is checked for keys that the contract does not know (a
 * validator would silently drop them), what goes out is stripped by the output schema (the compiler does not catch extra fields).
 */
import { type CallContext, isRecord, jsonSchemaOf, type Operation, unknownKeys } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { strip } from './output.ts'
import type { ServiceHost } from './service-host.ts'

/**
 * Calls a query or command. Rejects with OPERATION_UNKNOWN, OPERATION_INPUT_INVALID, OPERATION_OUTPUT_INVALID, or what the service throws.
 *
 * @param isPeer whether another process of ours calls, which has run what protects callers.
 */
export async function callAtEdge(
  host: ServiceHost,
  name: string,
  input: unknown,
  call: CallContext,
  isPeer = false,
): Promise<unknown> {
  const operation = host.operation(name)
  const subject = `${host.name}.${name}`
  const given = checked(input, operation, subject)
  const answer = isPeer ? host.callForPeer(name, given, call) : host.call(name, given, call)
  return strip(await answer, operation, subject)
}

/** Subscribes. Throws as `callAtEdge` rejects, where the input has keys that the contract does not know; what else is wrong shows with the first item. */
export function subscribeAtEdge(
  host: ServiceHost,
  name: string,
  input: unknown,
  call: CallContext,
): AsyncIterable<unknown> {
  const operation = host.operation(name)
  const subject = `${host.name}.${name}`
  return host.subscribe(name, checked(input, operation, subject), call, (item) => strip(item, operation, subject))
}

function checked(input: unknown, operation: Operation, subject: string): unknown {
  if (!operation.input) {
    if (input === undefined || (isRecord(input) && Object.keys(input).length === 0)) return undefined
    throw servicesErrors.OPERATION_INPUT_INVALID({
      operation: subject,
      problems: [{ path: '', message: 'no input is taken' }],
    })
  }
  const problems = unknownKeys(input, jsonSchemaOf(operation.input, 'input', subject))
  if (problems.length > 0) throw servicesErrors.OPERATION_INPUT_INVALID({ operation: subject, problems })
  return input
}
