/**
 * What the function of a workflow has asked for, and what it is answered: at once with what has settled already, later with what settles. Signals are
 * given to those who wait for them in the order of both.
 */
import type { KeelsonError } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'

/** What a workflow can wait for. */
export type AskedKind = 'step' | 'timer' | 'wait' | 'child'

interface Pending {
  readonly kind: AskedKind
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** What has settled before the function asked for it. */
interface Settled {
  readonly kind: AskedKind
  readonly value: () => unknown
}

export class WorkflowAnswers {
  readonly #instance: { readonly workflow: string; readonly id: string }
  readonly #pending = new Map<string, Pending>()
  readonly #settled = new Map<string, Settled>()
  readonly #uses = new Map<string, number>()
  readonly #signals = new Map<string, unknown[]>()
  readonly #waiters: { readonly name: string; readonly key: string }[] = []

  constructor(instance: { readonly workflow: string; readonly id: string }) {
    this.#instance = instance
  }

  /** A name that is used again is numbered. */
  keyOf(kind: AskedKind, name: string): string {
    const uses = (this.#uses.get(`${kind} ${name}`) ?? 0) + 1
    this.#uses.set(`${kind} ${name}`, uses)
    return uses === 1 ? name : `${name} #${uses}`
  }

  /**
   * Rejects with WORKFLOW_JOURNAL_MISMATCH when something else was, or is, asked for under this key.
   *
   * @param begun is called when it has not settled, and is waited for from now on.
   */
  ask(kind: AskedKind, key: string, begun: () => void): Promise<unknown> {
    const settled = this.#settled.get(key)
    if (settled && settled.kind !== kind) return Promise.reject(this.#mismatch(key, kind, settled.kind))
    if (settled) return Promise.resolve().then(settled.value)
    const taken = this.#pending.get(key)
    if (taken) return Promise.reject(this.#mismatch(key, kind, taken.kind))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(key, { kind, resolve, reject })
    begun()
    return promise
  }

  isWaiting(key: string): boolean {
    return this.#pending.has(key)
  }

  /** What is waited for, by key. */
  get waiting(): readonly string[] {
    return [...this.#pending.keys()]
  }

  /** @param value throws what the function is to catch. The first under a key counts. */
  settle(key: string, kind: AskedKind, value: () => unknown): void {
    const pending = this.#pending.get(key)
    if (!pending) {
      if (!this.#settled.has(key)) this.#settled.set(key, { kind, value })
      return
    }
    this.#pending.delete(key)
    if (pending.kind !== kind) {
      pending.reject(this.#mismatch(key, pending.kind, kind))
      return
    }
    try {
      pending.resolve(value())
    } catch (error) {
      pending.reject(error)
    }
  }

  reject(key: string, error: unknown): void {
    const pending = this.#pending.get(key)
    this.#pending.delete(key)
    this.forgetSignal(key)
    pending?.reject(error)
  }

  /** Before `ask`: a signal that came before is there already. */
  takeSignal(key: string, name: string): void {
    const [value, ...rest] = this.#signals.get(name) ?? []
    if (value === undefined) {
      if (!this.#settled.has(key)) this.#waiters.push({ name, key })
      return
    }
    this.#signals.set(name, rest)
    this.#settled.set(key, { kind: 'wait', value: () => value })
  }

  /** Gives it to who waits for it; the key that has settled, or undefined when it is kept until somebody asks. */
  receive(name: string, value: unknown): string | undefined {
    const at = this.#waiters.findIndex((waiter) => waiter.name === name)
    const waiter = this.#waiters[at]
    if (!waiter) {
      this.#signals.set(name, [...(this.#signals.get(name) ?? []), value])
      return undefined
    }
    this.#waiters.splice(at, 1)
    this.settle(waiter.key, 'wait', () => value)
    return waiter.key
  }

  waitsForSignal(key: string): boolean {
    return this.#waiters.some((waiter) => waiter.key === key)
  }

  forgetSignal(key: string): void {
    const at = this.#waiters.findIndex((waiter) => waiter.key === key)
    if (at >= 0) this.#waiters.splice(at, 1)
  }

  #mismatch(key: string, asked: AskedKind, found: AskedKind): KeelsonError {
    return eventsErrors.WORKFLOW_JOURNAL_MISMATCH({ ...this.#instance, key, asked, found })
  }
}
