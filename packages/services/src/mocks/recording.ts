/**
 * Record and replay: calls of a real service are written down, and a service made of the record answers them again without it. A recording is
 * JSON, to be kept beside the test that replays it; it holds inputs and outputs as they were, so record nothing that must stay secret.
 */
import {
  type CallContext,
  type Contract,
  type ErrorData,
  errorFromData,
  errorToData,
  type Operations,
} from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { namedError } from '../listener/problem.ts'
import type { Service } from '../service/service.ts'
import { majorOf } from '../service/service-names.ts'

/** One call and how it ended. `items` are those of a subscription, until its end or the caller's. */
export interface RecordedCall {
  /** The contract's name. */
  readonly service: string
  /** The contract's version: each major version replays its own calls. Without it, a call is anybody's. */
  readonly version?: string
  readonly operation: string
  readonly input: unknown
  readonly output?: unknown
  readonly items?: readonly unknown[]
  readonly error?: ErrorData
}

type AnyHandler = (input: unknown, call: CallContext) => unknown

/** The same service; each call adds to `calls` when it has ended, in that order. */
export function record<Name extends string, Ops extends Operations>(
  service: Service<Name, Ops>,
  calls: RecordedCall[],
): Service<Name, Ops> {
  return {
    ...service,
    start: async (given) => {
      const implementation = await service.start(given)
      const { name, version } = service.contract
      return Object.fromEntries(
        Object.entries(service.contract.operations).map(([operation, { kind }]) => {
          // A service's implementation has one function per operation.
          const handler = implementation[operation] as AnyHandler
          const note = (input: unknown, end: Partial<RecordedCall>) =>
            calls.push(structuredClone({ service: name, version, operation, input, ...end }))
          return [operation, kind === 'subscription' ? recordItems(handler, note) : recordAnswer(handler, note)]
        }),
      )
    },
  }
}

/**
 * A service that answers from a recording: a call is answered by the first recorded one of the same operation and input that has not been
 * used; when all are used, by the last again. A call that was never recorded rejects with CALL_NOT_RECORDED.
 */
export function replay<const Name extends string, Ops extends Operations>(
  contract: Contract<Name, Ops>,
  calls: readonly RecordedCall[],
): Service<Name, Ops> {
  const isOwn = ({ service, version = contract.version }: RecordedCall) =>
    service === contract.name && majorOf({ version }) === majorOf(contract)
  const unused = calls.filter(isOwn)
  const used: RecordedCall[] = []
  const find = (operation: string, input: unknown): RecordedCall => {
    const isMeant = (call: RecordedCall) => call.operation === operation && canonical(call.input) === canonical(input)
    const at = unused.findIndex(isMeant)
    const found = at >= 0 ? unused.splice(at, 1)[0] : used.findLast(isMeant)
    if (!found)
      throw servicesErrors.CALL_NOT_RECORDED({ operation: `${contract.name}.${operation}`, input: canonical(input) })
    used.push(found)
    return found
  }
  const handlers = Object.entries(contract.operations).map(([operation, { kind }]): [string, AnyHandler] => [
    operation,
    kind === 'subscription'
      ? (input) => replayItems(find(operation, input))
      : (input) => replayAnswer(find(operation, input)),
  ])
  return { kind: 'service', contract, uses: {}, config: undefined, start: async () => Object.fromEntries(handlers) }
}

type Note = (input: unknown, end: Partial<RecordedCall>) => void

function recordAnswer(handler: AnyHandler, note: Note): AnyHandler {
  return async (input, call) => {
    try {
      const output = await handler(input, call)
      note(input, output === undefined ? {} : { output })
      return output
    } catch (error) {
      note(input, { error: errorToData(namedError(error, recordedCall)) })
      throw error
    }
  }
}

function recordItems(handler: AnyHandler, note: Note): AnyHandler {
  return async function* (input, call) {
    const items: unknown[] = []
    let end: Partial<RecordedCall> = {}
    try {
      // A subscription's implementation returns an async iterable: its handler type says so.
      for await (const item of handler(input, call) as AsyncIterable<unknown>) {
        items.push(item)
        yield item
      }
    } catch (error) {
      end = { error: errorToData(namedError(error, recordedCall)) }
      throw error
    } finally {
      note(input, { items, ...end })
    }
  }
}

function replayAnswer({ output, error }: RecordedCall): unknown {
  if (error) throw recordedFailure(error)
  return structuredClone(output)
}

async function* replayItems({ items = [], error }: RecordedCall): AsyncGenerator<unknown, void> {
  yield* structuredClone(items)
  if (error) throw recordedFailure(error)
}

function recordedFailure(error: ErrorData): Error {
  return errorFromData(error) ?? servicesErrors.OPERATION_FAILED({ operation: recordedCall })
}

const recordedCall = 'the recorded call'

/** JSON with keys in order, so that equal inputs are equal texts. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  )
}
