/**
 * Turns decisions into the implementation of an operation: a command of a contract has REST, command line and client from its annotations,
 * its input is checked by its schema, and this is the rest: authorise, load, decide, append, and again when others were first.
 */
import { type CallContext, runInCall } from '@keelson/kernel'
import type { NewEvent, RecordedEvent } from '../store/event.ts'
import type { EventStore } from '../store/event-store.ts'
import { type Aggregate, type Executed, type ExecuteOptions, execute } from './aggregate.ts'

export interface CommandHandling<
  State,
  Read extends RecordedEvent,
  New extends NewEvent,
  Input,
  Output,
  Call extends CallContext,
> {
  readonly store: EventStore
  readonly aggregate: Aggregate<State, Read, New>
  /** Which aggregate it is for. */
  readonly id: (input: Input) => string
  /** Throws when whoever calls may not. Sees the state that is decided on. */
  readonly authorize?: (input: Input, state: State, call: Call) => void | Promise<void>
  /** The events that follow; none when there is nothing to do. Throws a declared error to refuse. */
  readonly decide: (
    input: Input,
    state: State,
    call: Call,
  ) => readonly NoInfer<New>[] | Promise<readonly NoInfer<New>[]>
  /** The version the caller saw, when the input says it. */
  readonly expected?: (input: Input) => number | undefined
  /** What the operation gives. Default: version and position. */
  readonly answer?: (executed: Executed<State, New>, input: Input) => Output
  readonly attempts?: number
}

/** What a command gives when it is not said otherwise. */
export interface CommandAnswer {
  /** Of the aggregate, to be expected by the next command. */
  readonly version: number
  /** Of the feed, to wait for a projection with; 0 when nothing changed. */
  readonly position: number
}

/**
 * @example
 * place: handleCommand({ store, aggregate: Order, id: ({ orderId }) => orderId, decide: ({ orderId, total }, state, call) => {
 *   if (state.isPlaced) throw call.errors.ALREADY_PLACED({ orderId })
 *   return [{ type: 'OrderPlaced', data: { total } }]
 * } })
 */
export function handleCommand<
  State,
  Read extends RecordedEvent,
  Type extends string,
  New extends NewEvent<Type>,
  Input,
  Output = CommandAnswer,
  Call extends CallContext = CallContext,
>(handling: CommandHandling<State, Read, New, Input, Output, Call>): (input: Input, call: Call) => Promise<Output> {
  const { store, aggregate, authorize, decide, expected, attempts } = handling
  // Without an `answer` the output is the default one: nothing else fits the type.
  const answer = handling.answer ?? (({ version, position }: Executed<State, New>) => ({ version, position }) as Output)
  return async (input, call) => {
    const version = expected?.(input)
    const options: ExecuteOptions = {
      ...(version === undefined ? {} : { expected: version }),
      ...(attempts === undefined ? {} : { attempts }),
      ...(call.idempotencyKey === undefined ? {} : { key: call.idempotencyKey }),
    }
    const decideFor = async (state: State) => {
      await authorize?.(input, state, call)
      return decide(input, state, call)
    }
    // The events note whose call it was.
    const executed = await runInCall(call, () => execute(store, aggregate, handling.id(input), decideFor, options))
    return answer(executed, input)
  }
}
