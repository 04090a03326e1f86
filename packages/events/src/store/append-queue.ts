/**
 * Merges appends. While one call to the database is under way, what comes in waits and goes into the next call together: the cost of a
 * commit is shared by all who wait for it, and each keeps an outcome of its own. Two calls overlap, so that one is prepared and sent while the other waits
 * for the disk. With nobody else waiting an append leaves at once.
 */
import { isError } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { Appended } from './event-store.ts'
import type { PreparedAppend } from './prepare-append.ts'

/** What became of one append of a call. */
export type Outcome = readonly Appended[] | Error

/** Appends all of them in one transaction and tells what became of each. Rejects when none took effect, or that is not known. */
export type AppendTogether = (appends: readonly PreparedAppend[]) => Promise<readonly Outcome[]>

interface Waiting {
  readonly append: PreparedAppend
  readonly ids: readonly string[]
  resolve(appended: readonly Appended[]): void
  reject(error: unknown): void
}

const lanes = 2
/** Of one call. A single append may be larger. */
const mostEvents = 2_000
const mostBytes = 4 * 1024 * 1024
/** In memory. */
const mostWaiting = 50_000
const mostWaitingBytes = 64 * 1024 * 1024

export class AppendQueue {
  readonly #together: AppendTogether
  readonly #waiting: Waiting[] = []
  #waitingEvents = 0
  #waitingBytes = 0
  #busy = 0
  #isScheduled = false
  #isClosed = false
  readonly #idle = new Set<() => void>()

  constructor(together: AppendTogether) {
    this.#together = together
  }

  /** Rejects as the append is refused, or with what the database answered. */
  add(append: PreparedAppend): Promise<readonly Appended[]> {
    if (this.#isClosed) return Promise.reject(eventsErrors.EVENTS_CLOSED({}))
    const isFull =
      this.#waitingEvents + append.eventCount > mostWaiting || this.#waitingBytes + append.bytes > mostWaitingBytes
    if (this.#waitingEvents > 0 && isFull)
      return Promise.reject(eventsErrors.EVENTS_QUEUE_FULL({ waiting: this.#waitingEvents }))
    const ids = append.parts.flatMap(({ events }) => events.map(({ id }) => id))
    const added = new Promise<readonly Appended[]>((resolve, reject) => {
      this.#waiting.push({ append, ids, resolve, reject })
    })
    this.#waitingEvents += append.eventCount
    this.#waitingBytes += append.bytes
    this.#schedule()
    return added
  }

  /** Takes no more; resolves when all that waited has its outcome. */
  async close(): Promise<void> {
    this.#isClosed = true
    while (this.#busy > 0 || this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#idle.add(resolve)
      })
  }

  /** Callers that were woken together append together: the call leaves when all of them have had their turn. */
  #schedule(): void {
    if (this.#isScheduled || this.#busy >= lanes || this.#waiting.length === 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#run()
    })
  }

  async #run(): Promise<void> {
    const batch = this.#take()
    if (batch.length === 0) return
    this.#busy += 1
    this.#schedule()
    await this.#append(batch)
    this.#busy -= 1
    this.#schedule()
    if (this.#busy > 0 || this.#waiting.length > 0) return
    for (const wake of this.#idle) wake()
    this.#idle.clear()
  }

  /** The next call's worth, in order. Appends with an id that is in it already wait: the database finds what repeats what is there. */
  #take(): Waiting[] {
    const ids = new Set<string>()
    let events = 0
    let bytes = 0
    let count = 0
    for (const { append, ids: own } of this.#waiting) {
      events += append.eventCount
      bytes += append.bytes
      const isTooMuch = count > 0 && (events > mostEvents || bytes > mostBytes)
      // A condition is tried against what is committed: its append goes alone.
      const isAlone = append.condition !== undefined
      if (isTooMuch || (isAlone && count > 0) || own.some((id) => ids.has(id))) break
      for (const id of own) ids.add(id)
      count += 1
      if (isAlone) break
    }
    const batch = this.#waiting.splice(0, count)
    for (const { append } of batch) {
      this.#waitingEvents -= append.eventCount
      this.#waitingBytes -= append.bytes
    }
    return batch
  }

  async #append(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#together(batch.map(({ append }) => append))
      for (const [at, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[at]
        if (outcome === undefined || outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
    } catch (error) {
      // What PostgreSQL refuses as a whole may be the fault of one: each is tried by itself.
      if (batch.length > 1 && isError(error, 'DATABASE_QUERY_FAILED'))
        for (const one of batch) await this.#append([one])
      else for (const { reject } of batch) reject(error)
    }
  }
}
