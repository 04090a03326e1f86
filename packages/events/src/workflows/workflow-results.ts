/**
 * Waits for the ends of instances. All that is waited for in this program is asked about together, however much else goes on in the log; what
 * ends in this program is told at once.
 */
import type { Clock } from '@keelson/kernel'
import type { EventStore } from '../store/event-store.ts'
import type { InstanceList } from './instance-list.ts'
import { type Instance, keyOf } from './instance-names.ts'
import { abortable } from './step-attempt.ts'

/** Between two questions at least. */
const spacingMs = 20

interface Waiting {
  readonly instance: Instance
  readonly ended: PromiseWithResolvers<void>
  /** Who waits. */
  count: number
}

export class WorkflowResults {
  readonly #store: EventStore
  readonly #list: InstanceList
  readonly #clock: Clock
  readonly #stop: AbortSignal
  readonly #waiting = new Map<string, Waiting>()
  #isAsking = false

  constructor(store: EventStore, list: InstanceList, clock: Clock, stop: AbortSignal) {
    this.#store = store
    this.#list = list
    this.#clock = clock
    this.#stop = stop
  }

  /**
   * Resolves with what `read` gives, now or when the instance has ended. Rejects as `read` does, and with the signal's reason.
   *
   * @param read undefined while it has not ended
   */
  async of<T>(instance: Instance, read: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
    const key = keyOf(instance)
    const waiting = this.#waiting.get(key) ?? { instance, ended: Promise.withResolvers<void>(), count: 0 }
    waiting.count += 1
    this.#waiting.set(key, waiting)
    try {
      // Asked after it is waited for: what ends in between is told.
      for (;;) {
        signal.throwIfAborted()
        const found = await read()
        if (found !== undefined) return found
        if (!this.#isAsking) void this.#ask()
        await abortable(waiting.ended.promise, signal)
      }
    } finally {
      waiting.count -= 1
      if (waiting.count === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key)
    }
  }

  tell(instance: Instance): void {
    const key = keyOf(instance)
    this.#waiting.get(key)?.ended.resolve()
    this.#waiting.delete(key)
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    while (this.#waiting.size > 0 && !this.#stop.aborted) {
      try {
        const { position } = await this.#store.head()
        const instances = [...this.#waiting.values()].map(({ instance }) => instance)
        for (const ended of await this.#list.ended(instances)) this.tell(ended)
        await this.#store.waitBeyond(position, this.#stop)
      } catch {
        // The database is away: it is asked again.
      }
      await this.#clock.sleep(spacingMs, this.#stop).catch(() => {})
    }
    this.#isAsking = false
  }
}
