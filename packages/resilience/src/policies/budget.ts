/** A budget of tokens: each call earns a share of one, each further attempt costs one, so that attempts stay that share of the calls. */

/** Tokens a budget holds at most: what a quiet operation may spend at once. */
export const fullBudget = 10

export interface Budget {
  tokens: number
}

export function earn(budget: Budget, share: number): void {
  if (budget.tokens < fullBudget) budget.tokens += share
}

/** Pays for one attempt; false when there is not enough. */
export function spend(budget: Budget): boolean {
  if (budget.tokens < 1) return false
  budget.tokens--
  return true
}
