/**
 * A scenario of an aggregate: given what has happened, when something is decided, then these events follow, or this refusal. It runs in
 * memory and takes no time; a failed expectation throws Node's AssertionError.
 */
import assert from 'node:assert/strict'
import { isError } from '@keelson/kernel'
import { type Aggregate, loadAggregate } from './aggregates/aggregate.ts'
import { type Decide, execute } from './aggregates/execute.ts'
import type { NewEvent, RecordedEvent } from './store/event.ts'
import { createInMemoryEventStore } from './store/in-memory-event-store.ts'

export interface Given<State, New extends NewEvent> {
  when(decide: Decide<State, New>): When<State, New>
}

/** Each of them awaits the decision. */
export interface When<State, New extends NewEvent> {
  /** Exactly these, by type and data; none at all when nothing should happen. */
  thenEvents(events: readonly New[]): Promise<void>
  /** The state that they lead to. */
  thenState(state: State): Promise<void>
  /** The decision throws a named error with this code and appends nothing. */
  thenRefused(code: string): Promise<void>
}

/**
 * @example
 * await given(Order, [{ type: 'OrderPlaced', data: { total: 20 } }])
 *   .when((state) => pay(state, 20))
 *   .thenEvents([{ type: 'OrderPaid', data: { amount: 20 } }])
 */
export function given<State, Read extends RecordedEvent, Type extends string, New extends NewEvent<Type>>(
  aggregate: Aggregate<State, Read, New>,
  history: readonly NoInfer<New>[] = [],
): Given<State, New> {
  return {
    when: (decide) => {
      const run = async () => {
        const store = createInMemoryEventStore()
        const encoded = history.map((event) => aggregate.events.encode(event))
        if (encoded.length > 0) await store.append(`${aggregate.name}-1`, encoded)
        const executed = execute(store, aggregate, '1', decide)
        return { store, executed }
      }
      const decided = async () => (await (await run()).executed).events.map(({ type, data }) => ({ type, data }))
      return {
        thenEvents: async (events) =>
          assert.deepEqual(
            await decided(),
            events.map(({ type, data }) => ({ type, data })),
          ),
        thenState: async (state) => assert.deepEqual((await (await run()).executed).state, state),
        thenRefused: async (code) => {
          const { store, executed } = await run()
          const error = await executed.then(
            ({ events }) =>
              assert.fail(`not refused: ${events.map(({ type }) => type).join(', ') || 'nothing'} was decided`),
            (reason: unknown) => reason,
          )
          assert.ok(isError(error, code), `refused with ${String(error)}, not ${code}`)
          assert.equal((await loadAggregate(store, aggregate, '1')).version, history.length)
        },
      }
    },
  }
}
