/** Places for what is worked on at once: taken when there is one, or waited for in the order of asking. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** How many may be taken at once. */
  get free(): number {
    return this.#waiting.length > 0 ? 0 : Math.max(0, this.#free)
  }

  take(): void {
    this.#free -= 1
  }

  async taken(): Promise<void> {
    if (this.free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.take()
  }

  give(): void {
    const next = this.#waiting.shift()
    // The place goes from hand to hand.
    if (next) next()
    else this.#free += 1
  }
}
