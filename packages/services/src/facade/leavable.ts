/**
 * An iterator that its reader can leave at any moment. A generator cannot be: its `return()` waits behind the `next()` that is under way,
 * which a silent source never ends. Here whoever waits is let go at once, the source's signal aborts and the source is told to return.
 */
import { isError } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'

export interface Leavable<T> extends AsyncIterableIterator<T, undefined> {
  /** Resolves when the source has let go, or at once when somebody waits for its next item. */
  return(): Promise<IteratorResult<T, undefined>>
  /** Ends it from outside: the reader's next item is this error. */
  end(error: unknown): void
  /** Resolves when the source has let go of everything. */
  readonly released: Promise<void>
}

export interface LeavableHooks {
  /** Told once, when the reader gets no more: what it failed with, undefined when it ended or was left. */
  readonly ended?: (error: unknown) => void
}

type Opened = AsyncIterable<unknown> | PromiseLike<AsyncIterable<unknown>>

/**
 * Opens its source when the first item is asked for. Ends with REQUEST_CANCELLED, or the signal's reason when that is a named error, once
 * `outer` aborts.
 *
 * @param outer of the call that the reader makes.
 * @param open is given a signal that aborts when the reader leaves or `outer` does.
 */
export function leavable<T = unknown>(
  outer: AbortSignal,
  open: (signal: AbortSignal) => Opened,
  { ended = () => {} }: LeavableHooks = {},
): Leavable<T> {
  const left = new AbortController()
  const waiting = new Set<PromiseWithResolvers<IteratorResult<T, undefined>>>()
  const released = Promise.withResolvers<void>()
  let source: Promise<AsyncIterator<unknown>> | undefined
  let failure: { readonly error: unknown } | undefined
  let isOver = false
  const done = { done: true, value: undefined } as const

  const abort = () => {
    const { reason } = outer
    end(isError(reason) ? reason : servicesErrors.REQUEST_CANCELLED({}, { cause: reason }))
  }

  function end(error: unknown): void {
    if (isOver) return
    failure = { error }
    close(error)
  }

  function close(error: unknown): void {
    if (isOver) return
    isOver = true
    outer.removeEventListener('abort', abort)
    left.abort(error)
    ended(error)
    for (const reader of waiting) settle(reader)
    waiting.clear()
    void letGo()
  }

  /** The first reader is told why it ended, the others and all that come later that it has. */
  function settle(reader: PromiseWithResolvers<IteratorResult<T, undefined>>): void {
    const told = failure
    failure = undefined
    if (told) reader.reject(told.error)
    else reader.resolve(done)
  }

  async function letGo(): Promise<void> {
    try {
      await (await source)?.return?.()
    } catch {
      // Nobody reads any more: there is nobody to tell.
    }
    released.resolve()
  }

  function begin(): Promise<AsyncIterator<unknown>> {
    outer.addEventListener('abort', abort, { once: true })
    return Promise.resolve(open(AbortSignal.any([outer, left.signal]))).then((items) => items[Symbol.asyncIterator]())
  }

  async function read(reader: PromiseWithResolvers<IteratorResult<T, undefined>>): Promise<void> {
    try {
      source ??= begin()
      const items = await source
      // A source that was left while it opened does not begin.
      if (!waiting.has(reader)) return
      const result = await items.next()
      if (!waiting.delete(reader)) return
      if (result.done) {
        close(undefined)
        reader.resolve(done)
      } else {
        // The source is that of an operation whose items are of this type.
        reader.resolve(result as IteratorYieldResult<T>)
      }
    } catch (error) {
      if (!waiting.delete(reader)) return
      close(error)
      reader.reject(error)
    }
  }

  return {
    released: released.promise,
    end,
    next() {
      const reader = Promise.withResolvers<IteratorResult<T, undefined>>()
      if (outer.aborted && !isOver) abort()
      if (isOver) settle(reader)
      else {
        waiting.add(reader)
        void read(reader)
      }
      return reader.promise
    },
    async return() {
      // A source that waits for its reader lets go in no time; one that is silent is not waited for.
      const isSilent = waiting.size > 0
      close(undefined)
      if (!isSilent) await released.promise
      return done
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
