/** Rows with scores, of which the lowest is at hand: a binary heap in two arrays that are kept from one use to the next. */
export class ScoredRows {
  size = 0
  #scores = new Float32Array(256)
  #rows = new Uint32Array(256)

  clear(): void {
    this.size = 0
  }

  /** Of a heap that is not empty. */
  get lowestScore(): number {
    return this.#scores[0] ?? 0
  }

  push(row: number, score: number): void {
    if (this.size === this.#rows.length) this.#grow()
    const scores = this.#scores
    const rows = this.#rows
    let child = this.size++
    while (child > 0) {
      const parent = (child - 1) >>> 1
      const above = scores[parent] ?? 0
      if (above <= score) break
      scores[child] = above
      rows[child] = rows[parent] ?? 0
      child = parent
    }
    scores[child] = score
    rows[child] = row
  }

  /** Takes the row with the lowest score out of a heap that is not empty. */
  pop(): number {
    const scores = this.#scores
    const rows = this.#rows
    const lowest = rows[0] ?? 0
    const size = --this.size
    const score = scores[size] ?? 0
    const row = rows[size] ?? 0
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= size) break
      if (child + 1 < size && (scores[child + 1] ?? 0) < (scores[child] ?? 0)) child++
      const below = scores[child] ?? 0
      if (below >= score) break
      scores[parent] = below
      rows[parent] = rows[child] ?? 0
      parent = child
    }
    scores[parent] = score
    rows[parent] = row
    return lowest
  }

  #grow(): void {
    const scores = new Float32Array(this.#scores.length * 2)
    const rows = new Uint32Array(this.#rows.length * 2)
    scores.set(this.#scores)
    rows.set(this.#rows)
    this.#scores = scores
    this.#rows = rows
  }
}
