/**
 * What the function of a workflow has asked for, and what it is answered: at once with what has settled already, later with what settles.
 * Signals are given to those who wait for them in the order of both.
 */
import type { Asked, AskedKind } from './workflow-journal.ts'

interface Pending {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** A signal, by the version of the journal that it came with. */
export interface Signal {
  readonly version: number
  readonly value: unknown
}

/** What the function is given for a signal; the reason when it does not fit. */
export type CheckSignal = (value: unknown) => Promise<{ readonly value: unknown } | { readonly refused: string }>

interface Waiter {
  readonly name: string
  readonly key: string
  readonly check: CheckSignal
}

export class WorkflowAnswers {
  readonly #pending = new Map<string, Pending>()
  /** What has settled before the function asked for it. */
  readonly #settled = new Map<string, () => unknown>()
  readonly #uses = new Map<string, number>()
  readonly #keys = new Set<string>()
  readonly #asked = new Set<Asked>()
  /** Of them, what the journal does not tell yet. */
  readonly #unrecorded = new Set<Asked>()
  readonly #patches = new Map<string, boolean>()
  readonly #signals = new Map<string, Signal[]>()
  readonly #waiters: Waiter[] = []
  readonly #refuse: (key: string, signal: Signal, reason: string) => void

  /** @param refuse is told of a signal that does not fit what waits for it, which goes on waiting. */
  constructor(refuse: (key: string, signal: Signal, reason: string) => void) {
    this.#refuse = refuse
  }

  /** A name that is used again is numbered, past a number that was itself taken as a name. */
  keyOf(kind: AskedKind, name: string): string {
    for (;;) {
      const uses = (this.#uses.get(`${kind} ${name}`) ?? 0) + 1
      this.#uses.set(`${kind} ${name}`, uses)
      const key = uses === 1 ? name : `${name} #${uses}`
      if (this.#keys.has(key)) continue
      this.#keys.add(key)
      return key
    }
  }

  /** @param begun is called when it has not settled, and is waited for from now on. */
  ask(kind: AskedKind, key: string, begun: () => void): Promise<unknown> {
    this.note(`${kind} ${key}`)
    const settled = this.#settled.get(key)
    if (settled) return Promise.resolve().then(settled)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(key, { resolve, reject })
    begun()
    return promise
  }

  /** Whether the function is to go the new way: when nothing is ahead in the journal, or what is ahead tells that it did. */
  patched(name: string, ahead: { readonly isAtEnd: boolean; isAhead(asked: Asked): boolean }): boolean {
    const asked: Asked = `patch ${name}`
    const isPatched = this.#patches.get(name) ?? (ahead.isAtEnd || ahead.isAhead(asked))
    this.#patches.set(name, isPatched)
    if (isPatched) this.note(asked)
    return isPatched
  }

  /** Says that the function has asked for it. */
  note(asked: Asked): void {
    if (this.#asked.has(asked)) return
    this.#asked.add(asked)
    this.#unrecorded.add(asked)
  }

  hasAsked(asked: Asked): boolean {
    return this.#asked.has(asked)
  }

  /** What the function has asked for that the journal does not tell yet. */
  get unrecorded(): readonly Asked[] {
    return [...this.#unrecorded]
  }

  /** The journal tells that these were asked for. */
  record(asked: Iterable<Asked>): void {
    for (const one of asked) this.#unrecorded.delete(one)
  }

  isWaiting(key: string): boolean {
    return this.#pending.has(key)
  }

  /** What is waited for, by key. */
  get waiting(): readonly string[] {
    return [...this.#pending.keys()]
  }

  /** @param value throws what the function is to catch. The first under a key counts. */
  settle(key: string, value: () => unknown): void {
    const pending = this.#pending.get(key)
    if (!pending) {
      if (!this.#settled.has(key)) this.#settled.set(key, value)
      return
    }
    this.#pending.delete(key)
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

  /** After `ask`: a signal that came before is there already. */
  waitForSignal(waiter: Waiter): Promise<void> {
    this.#waiters.push(waiter)
    return this.#match(waiter.name)
  }

  /** Gives it to who waits for it, or keeps it until somebody asks. Resolves when it has been looked at. */
  receive(name: string, signal: Signal): Promise<void> {
    const kept = this.#signals.get(name)
    if (kept) kept.push(signal)
    else this.#signals.set(name, [signal])
    return this.#match(name)
  }

  waitsForSignal(key: string): boolean {
    return this.#waiters.some((waiter) => waiter.key === key)
  }

  forgetSignal(key: string): void {
    const at = this.#waiters.findIndex((waiter) => waiter.key === key)
    if (at >= 0) this.#waiters.splice(at, 1)
  }

  async #match(name: string): Promise<void> {
    for (;;) {
      const waiter = this.#waiters.find((one) => one.name === name && this.#pending.has(one.key))
      const signal = waiter && this.#signals.get(name)?.shift()
      if (!signal) return
      this.forgetSignal(waiter.key)
      const checked = await waiter.check(signal.value)
      if ('value' in checked) this.settle(waiter.key, () => checked.value)
      else {
        this.#waiters.unshift(waiter)
        this.#refuse(waiter.key, signal, checked.refused)
      }
    }
  }
}
