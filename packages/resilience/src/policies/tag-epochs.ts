/**
 * When each tag was invalidated last, in invalidations: whoever began to make an answer before that may not keep it under the tag. Only the order
 * of the numbers counts, so that other processes may be told of them and take part.
 */

/** Tags whose last number is known. Of all others only the highest that was forgotten is. */
const most = 10_000

export class TagEpochs {
  /** In the order in which they were noted. */
  readonly #last = new Map<string, number>()
  #forgotten = Number.NEGATIVE_INFINITY

  /** @param epoch no lower than any before. */
  note(tags: readonly string[], epoch: number): void {
    for (const tag of tags) {
      this.#last.delete(tag)
      this.#last.set(tag, epoch)
    }
    for (const [tag, at] of this.#last) {
      if (this.#last.size <= most) return
      this.#last.delete(tag)
      this.#forgotten = at
    }
  }

  /** Whether one of the tags was noted later than that; true also where it is not known any more. */
  isLater(tags: readonly string[], than: number): boolean {
    if (tags.length === 0 || this.#last.size === 0) return false
    return than < this.#forgotten || tags.some((tag) => (this.#last.get(tag) ?? Number.NEGATIVE_INFINITY) > than)
  }
}
