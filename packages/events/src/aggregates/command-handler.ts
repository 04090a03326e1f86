/**
 * Turns decisions into the implementation of an operation: a command of a contract has REST, command line and client from its annotations,
 * its input is checked by its schema, and this is the rest: authorise, load, decide, append, and again when others were first.
 */
import { type CallContext, type Contract, type Operations, type OperationValues, runInCall } from '@keelson/kernel'
import type { NewEvent, RecordedEvent } from '../store/event.ts'
import type { EventStore } from '../store/event-store.ts'
import type { Aggregate } from './aggregate.ts'
import { type Executed, type ExecuteOptions, execute } from './execute.ts'

export type CommandHandling<
  State,
  Read extends RecordedEvent,
  New extends NewEvent,
  Input,
  Output,
  Call extends CallContext,
> = {
  readonly store: EventStore
  readonly aggregate: Aggregate<State, Read, New>
  /** Which aggregate it is for. */
  readonly id: (input: Input) => string
  /** Throws when whoever calls may not. Sees the state that is decided on, or is answered from when the call is a repeat. */
  readonly authorize?: (input: Input, state: State, call: Call) => void | Promise<void>
  /** The events that follow; none when there is nothing to do. Throws a declared error to refuse. */
  readonly decide: (
    input: Input,
    state: State,
    call: Call,
  ) => readonly NoInfer<New>[] | Promise<readonly NoInfer<New>[]>
  /** The version the caller saw, when the input says it. */
  readonly expected?: (input: Input) => number | undefined
  readonly attempts?: number
} & CommandAnswering<State, New, Input, Output>

/** What the operation gives. Default, where its output has no more: version and position. */
type CommandAnswering<State, New extends NewEvent, Input, Output> = CommandAnswer extends Output
  ? { readonly answer?: (executed: Executed<State, New>, input: Input) => Output }
  : { readonly answer: (executed: Executed<State, New>, input: Input) => Output }

/** What a command gives when it is not said otherwise. */
export interface CommandAnswer {
  /** Of the aggregate, to be expected by the next command. */
  readonly version: number
  /** Of the feed, to wait for a projection with; 0 when nothing changed. */
  readonly position: number
}

/**
 * The implementation of the operation `name` of `contract`, whose input and output it takes. A call with an idempotency key takes effect once
 * and is answered the same each time; another operation or input under the key is EVENTS_KEY_REUSED.
 *
 * @example
 * place: handleCommand(Orders, 'place', { store, aggregate: Order, id: ({ orderId }) => orderId, decide: ({ orderId, total }, state) => {
 *   if (state.isPlaced) throw ALREADY_PLACED({ orderId })
 *   return [{ type: 'OrderPlaced', data: { total } }]
 * } })
 */
export function handleCommand<
  Ops extends Operations,
  Name extends keyof Ops & string,
  State,
  Read extends RecordedEvent,
  Type extends string,
  New extends NewEvent<Type>,
  Call extends CallContext = CallContext,
>(
  contract: Contract<string, Ops>,
  name: Name,
  handling: CommandHandling<
    State,
    Read,
    New,
    OperationValues<Ops[Name]>['read'],
    OperationValues<Ops[Name]>['wrote'],
    Call
  >,
): (input: OperationValues<Ops[Name]>['read'], call: Call) => Promise<OperationValues<Ops[Name]>['wrote']> {
  type Input = OperationValues<Ops[Name]>['read']
  type Output = OperationValues<Ops[Name]>['wrote']
  const { store, aggregate, authorize, decide, expected, attempts } = handling
  // Without an `answer` the output is the default one: nothing else fits the type.
  const answer: (executed: Executed<State, New>, input: Input) => Output =
    handling.answer ?? (({ version, position }) => ({ version, position }) as Output)
  return async (input, call) => {
    const version = expected?.(input)
    const options: ExecuteOptions = {
      command: { operation: `${contract.name}.${name}`, input },
      ...(version === undefined ? {} : { expected: version }),
      ...(attempts === undefined ? {} : { attempts }),
      ...(call.key === undefined ? {} : { key: call.key.text }),
    }
    const decideFor = async (state: State) => {
      await authorize?.(input, state, call)
      return decide(input, state, call)
    }
    // The events note whose call it was.
    const executed = await runInCall(call, () => execute(store, aggregate, handling.id(input), decideFor, options))
    if (executed.isRepeat) await authorize?.(input, executed.state, call)
    return answer(executed, input)
  }
}
