/** The components of a registry: how each starts and closes, what it uses, and the lifetime it has at the moment. */
import type { Component, KeelsonError, Lifecycle, Lifetime, Uses } from '@keelson/kernel'
import { Dependencies } from './dependencies.ts'
import type { ServedContracts } from './served-contracts.ts'

export class Components {
  readonly lifecycle: Lifecycle
  readonly dependencies: Dependencies
  /** By component; a later start brings a new one. */
  readonly lifetimes = new Map<string, Lifetime>()

  constructor(lifecycle: Lifecycle, served: ServedContracts) {
    this.lifecycle = lifecycle
    this.dependencies = new Dependencies(served, (component) => lifecycle.status(component))
  }

  /**
   * Which of several versions of a contract is meant shows when all are registered, so the names of dependencies are looked up at the start.
   *
   * @param after components that it needs beside what it uses.
   */
  add(
    name: string,
    uses: Uses,
    component: Omit<Component, 'name' | 'dependsOn' | 'optional'>,
    after: readonly string[] = [],
  ): void {
    const { dependencies } = this
    this.lifecycle.add({
      ...component,
      name,
      get dependsOn() {
        return [...after, ...dependencies.requiredBy(name)]
      },
      get optional() {
        return dependencies.optionalTo(name)
      },
    })
    dependencies.declare(name, uses, after)
  }

  /** The values of ports that failed are dead: whatever holds them is started again once there are others. */
  failHolders(component: string, error: KeelsonError): void {
    for (const name of this.dependencies.holdersOf(component)) this.lifetimes.get(name)?.failed(error)
  }
}
