import { pid } from 'node:process'
import type { Database } from '@keelson/kernel'
import { delegatingDatabase } from '@keelson/kernel/testing'

/** A database with which its process kills itself: `delayMs` after it was sent its `messages`-th message. */
export function mortalDatabase(database: Database, messages: number, delayMs: number): Database {
  let left = messages
  /** The engine works in another thread, which goes on while this one waits for its end. */
  const countdown = <T>(sent: T): T => {
    left -= 1
    if (left > 0) return sent
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs)
    process.kill(pid, 'SIGKILL')
    return sent
  }
  return delegatingDatabase(database, {
    query: (sql, parameters) => countdown(database.query(sql, parameters)),
    batch: (statements) => countdown(database.batch(statements)),
    transaction: (work) => countdown(database.transaction(work)),
  })
}
