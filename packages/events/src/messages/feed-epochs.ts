/**
 * Which epoch each position of a log belongs to. A page of the feed says only what epoch the log is in now; the id of a message needs the one in which its event was
 * appended, which is the same whenever it is read.
 */
import { isError } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { EventStore, FeedPosition } from '../store/event-store.ts'

export class FeedEpochs {
  /** Of the log when this was read. */
  readonly current: number
  /** For each earlier epoch, from 1: the last position that it still has. */
  readonly #lastPositions: readonly number[]

  private constructor(current: number, lastPositions: readonly number[]) {
    this.current = current
    this.#lastPositions = lastPositions
  }

  /** A reader that claims to know an earlier epoch to its end is refused, and told how far it is good: that is asked for each. */
  static async read(store: EventStore, current: number): Promise<FeedEpochs> {
    const lastPositions: number[] = []
    for (let epoch = 1; epoch < current; epoch++) {
      const claim = { position: Number.MAX_SAFE_INTEGER, epoch }
      const refusal: unknown = await store.readFeed(claim, { limit: 1 }).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (!isError(refusal, 'EVENTS_POSITION_AHEAD')) throw refusal
      lastPositions.push(Number(refusal.details['lastGood']))
    }
    const now = await store.head()
    if (now.epoch !== current) throw eventsErrors.EVENTS_EPOCH_CHANGED({ log: store.log, from: current, to: now.epoch })
    return new FeedEpochs(current, lastPositions)
  }

  at(position: number): FeedPosition {
    const index = this.#lastPositions.findIndex((last) => position <= last)
    return { position, epoch: index < 0 ? this.current : index + 1 }
  }
}
