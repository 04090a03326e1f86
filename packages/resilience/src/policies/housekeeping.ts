/** Looks now and then for what has expired, for as long as anything is kept. The timer keeps no process alive, and so needs no end. */

const oftenestMs = 100
/** So much longer between two looks for each thing that is kept: looking stays a small share of the time. */
const perThingMs = 0.1

export class Housekeeping {
  readonly #sweep: () => number
  #timer: NodeJS.Timeout | undefined

  /** @param sweep forgets what has expired, and gives back how many things are left. */
  constructor(sweep: () => number) {
    this.#sweep = sweep
  }

  /** To be called when something is kept. */
  wake(count: number): void {
    if (this.#timer) return
    // Not the injected clock: a sleep of that would hold a process which has nothing else to do.
    this.#timer = setTimeout(() => this.#look(), Math.max(oftenestMs, count * perThingMs))
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    const left = this.#sweep()
    if (left > 0) this.wake(left)
  }
}
