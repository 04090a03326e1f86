/**
 * How many tokens this process may still use. What a request will take is guessed before it is sent and set aside, so that requests under
 * way at the same time do not spend the same tokens; what it took is counted afterwards.
 */
import { infrastructureErrors } from '@keelson/infrastructure'

export class TokenBudget {
  readonly #budget: number
  #used = 0
  #setAside = 0

  constructor(budget = Number.POSITIVE_INFINITY) {
    this.#budget = budget
  }

  /** Tokens used so far, guessed where the endpoint did not say. */
  get used(): number {
    return this.#used
  }

  /**
   * Sets tokens aside for one request. The returned function ends that, with the tokens it has used; later calls of it do nothing.
   *
   * @throws MODEL_BUDGET_SPENT
   */
  setAside(model: string, needed: number): (used: number) => void {
    if (this.#used + this.#setAside + needed > this.#budget) {
      const used = this.#used + this.#setAside
      throw infrastructureErrors.MODEL_BUDGET_SPENT({ model, budget: this.#budget, used, needed })
    }
    this.#setAside += needed
    let isSettled = false
    return (used) => {
      if (isSettled) return
      isSettled = true
      this.#setAside -= needed
      this.#used += used
    }
  }
}

/** About as many as a text has in most models: a fourth of its characters. */
export function guessTokens(text: string): number {
  return Math.ceil(text.length / 4)
}
