/** Counts changes and tells whoever follows: at once, then whenever there are new ones, however many at a time. */
export class Changes {
  #revision = 0
  #next = Promise.withResolvers<void>()

  advance(): void {
    this.#revision++
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }

  async *follow(signal: AbortSignal): AsyncGenerator<{ revision: number }, void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    let seen = -1
    while (!signal.aborted) {
      if (seen < this.#revision) {
        seen = this.#revision
        yield { revision: seen }
      } else await Promise.race([this.#next.promise, aborted])
    }
  }
}
