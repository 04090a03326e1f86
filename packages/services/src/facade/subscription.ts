/**
 * How a subscription runs: the steps of a call before its first item, which its deadline and its caller's bound, and from then on for as long as
 * its reader wants. It is one iterator from the facade to whoever reads it, counted and traced until its source has let go.
 */
import { beginCall, type CallChanges, type CallContext, deriveCall, runInCall } from '@keelson/kernel'
import { type Expiring, resilienceErrors } from '@keelson/resilience'
import { callOf } from './call-of.ts'
import { accept, type OperationState } from './call-plan.ts'
import { type Leavable, leavable } from './leavable.ts'

/** What happens to each item before the reader has it. */
type Outgoing = (item: unknown) => unknown

export interface SubscriptionOptions {
  /** The service that reads, empty when it is none; left out, it is the one that the context names. */
  readonly caller?: string | undefined
  /** Turns the items of the source into those of the reader; as they are when left out. */
  readonly outgoing?: Outgoing | undefined
}

/**
 * Runs a subscription. Leaving it takes effect at once, whatever its source waits for; the source's call has a signal that aborts then.
 * Ends with SERVICE_NOT_RUNNING when its service closes.
 *
 * @param given in what the call differs from the current one; a whole context stands in its place.
 */
export function subscribeOperation(
  operation: OperationState,
  input: unknown,
  given?: CallChanges,
  { caller, outgoing }: SubscriptionOptions = {},
): AsyncIterable<unknown> {
  const call = callOf(operation.name, given, caller)
  const { instrument } = operation.plan
  const startedMs = operation.platform.clock.monotonic()
  const span = instrument?.begin(call, startedMs)
  const first = new FirstItem(operation, call, startedMs)
  const subscription: Leavable<unknown> = leavable(
    call.signal,
    (signal) => {
      const inner = beginCall(deriveCall(call, { signal, trace: span }))
      operation.subscriptions.add(subscription)
      void subscription.released.then(() => operation.subscriptions.delete(subscription))
      first.expect((error) => subscription.end(error))
      return openSource(operation, input, inner, first, outgoing)
    },
    {
      ended(error) {
        first.hasCome()
        instrument?.settled(call, span, startedMs, error)
      },
    },
  )
  return subscription
}

/** Validation, authorisation and the flag come before the source, as for any call. */
async function openSource(
  operation: OperationState,
  input: unknown,
  call: CallContext,
  first: FirstItem,
  outgoing: Outgoing | undefined,
): Promise<AsyncIterable<unknown>> {
  const { validate, authorisation, policies } = operation.plan
  await authorisation?.ofCaller?.(call)
  const parsed = validate === undefined ? input : accept(operation, await validate(input))
  await authorisation?.ofInput?.(parsed, call)
  policies?.flag?.check(call)
  // A subscription's implementation returns an async iterable, or is one to be started first: its handler type says so.
  const invoked = (await runInCall(call, () => operation.invoke(parsed, call))) as AsyncIterable<unknown>
  return itemsIn(invoked, call, first, outgoing)
}

/** The source's items. What it does for each belongs to the call, whoever asks for it. */
function itemsIn(
  items: AsyncIterable<unknown>,
  call: CallContext,
  first: FirstItem,
  outgoing: Outgoing | undefined,
): AsyncIterable<unknown> {
  const source = items[Symbol.asyncIterator]()
  const iterator: AsyncIterator<unknown> = {
    async next() {
      const result = await runInCall(call, () => source.next())
      first.hasCome()
      return result.done || !outgoing ? result : { done: false, value: await outgoing(result.value) }
    },
    async return() {
      await runInCall(call, () => source.return?.())
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}

/** The time until the first item: the operation's deadline or the caller's, whichever is earlier. */
class FirstItem implements Expiring {
  readonly deadlineAt: number
  before: Expiring | undefined = undefined
  after: Expiring | undefined = undefined
  readonly #operation: OperationState
  readonly #startedMs: number
  #late: ((error: unknown) => void) | undefined

  constructor(operation: OperationState, call: CallContext, startedMs: number) {
    const { policies } = operation.plan
    this.#operation = operation
    this.#startedMs = startedMs
    const ownAt = policies ? startedMs + policies.deadline.ms : Number.POSITIVE_INFINITY
    this.deadlineAt = Math.min(ownAt, call.deadlineAt ?? Number.POSITIVE_INFINITY)
  }

  expect(late: (error: unknown) => void): void {
    if (this.deadlineAt === Number.POSITIVE_INFINITY) return
    this.#late = late
    this.#operation.platform.deadlines.add(this, this.#startedMs)
  }

  hasCome(): void {
    if (!this.#late) return
    this.#late = undefined
    this.#operation.platform.deadlines.remove(this)
  }

  expire(): void {
    const late = this.#late
    this.#late = undefined
    const { name, plan, platform } = this.#operation
    plan.calleePolicies.deadline.counts.exceeded++
    const waitedMs = Math.round(platform.clock.monotonic() - this.#startedMs)
    late?.(resilienceErrors.DEADLINE_EXCEEDED({ operation: name, waitedMs }))
  }
}
