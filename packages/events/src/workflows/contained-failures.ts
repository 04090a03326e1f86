/**
 * Nothing that a workflow does ends the program: a rejection that nobody waits for, or an error thrown in a callback, is told to the run
 * that it came from. What comes from elsewhere ends the program as it would have without workflows.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

type Failed = (error: unknown) => void

const running = new AsyncLocalStorage<Failed>()
let users = 0

/** Runs `work`; `failed` is told of what nobody catches, in all that it begins. */
export function contained<T>(failed: Failed, work: () => T): T {
  return running.run(failed, work)
}

/** Begins to listen to the program; the function that it gives ends that. */
export function containFailures(): () => void {
  users += 1
  if (users === 1) {
    process.on('unhandledRejection', unhandled)
    process.on('uncaughtException', uncaught)
  }
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    users -= 1
    if (users > 0) return
    process.off('unhandledRejection', unhandled)
    process.off('uncaughtException', uncaught)
  }
}

function unhandled(reason: unknown): void {
  const failed = running.getStore()
  if (failed) failed(reason)
  // As Node does when nobody listens.
  else if (process.listenerCount('unhandledRejection') === 1) throw reason
}

function uncaught(error: unknown): void {
  const failed = running.getStore()
  if (failed) failed(error)
  else if (process.listenerCount('uncaughtException') === 1) {
    process.off('uncaughtException', uncaught)
    setImmediate(() => {
      throw error
    })
  }
}
