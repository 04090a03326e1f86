/** The best out of many, in a heap of as many as are wanted: its root is the worst, so most candidates cost one comparison. */

export interface Scored {
  readonly score: number
}

export class BestOf<Candidate extends Scored> {
  readonly #capacity: number
  readonly #precedes: (candidate: Candidate, other: Candidate) => boolean
  readonly #heap: Candidate[] = []

  /** @param precedes which of two candidates with equal scores comes first. */
  constructor(capacity: number, precedes: (candidate: Candidate, other: Candidate) => boolean) {
    this.#capacity = capacity
    this.#precedes = precedes
  }

  get size(): number {
    return this.#heap.length
  }

  /** False when no candidate with this score can be among the best: then it need not be made. */
  mayTake(score: number): boolean {
    const [worst] = this.#heap
    return this.#heap.length < this.#capacity || (worst !== undefined && score >= worst.score)
  }

  offer(candidate: Candidate): void {
    const heap = this.#heap
    if (heap.length < this.#capacity) {
      heap.push(candidate)
      this.#rise(heap.length - 1)
      return
    }
    const [worst] = heap
    if (!worst || !this.#isBetter(candidate, worst)) return
    heap[0] = candidate
    this.#sink(0)
  }

  /** Best first. */
  sorted(): readonly Candidate[] {
    return this.#heap.toSorted((a, b) => (this.#isBetter(a, b) ? -1 : 1))
  }

  #isBetter(a: Candidate, b: Candidate): boolean {
    return a.score === b.score ? this.#precedes(a, b) : a.score > b.score
  }

  #rise(from: number): void {
    let child = from
    while (child > 0) {
      const parent = (child - 1) >>> 1
      if (!this.#swapIfBetter(parent, child)) return
      child = parent
    }
  }

  #sink(from: number): void {
    let parent = from
    for (;;) {
      const worse = this.#worseChild(parent)
      if (!this.#swapIfBetter(parent, worse)) return
      parent = worse
    }
  }

  #worseChild(parent: number): number {
    const left = this.#heap[2 * parent + 1]
    const right = this.#heap[2 * parent + 2]
    return left && right && this.#isBetter(left, right) ? 2 * parent + 2 : 2 * parent + 1
  }

  /** Keeps the worse one above. */
  #swapIfBetter(parent: number, child: number): boolean {
    const above = this.#heap[parent]
    const below = this.#heap[child]
    if (!above || !below || !this.#isBetter(above, below)) return false
    this.#heap[parent] = below
    this.#heap[child] = above
    return true
  }
}
