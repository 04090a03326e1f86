/**
 * Drives a whole system at random on a clock that stands still: calls of every kind with keys, deadlines and callers who
 * leave, reloads, restarts, and a close at a random moment. Each answer is held against a model of what may happen.
 */
import { getEventListeners } from 'node:events'
import { type CallContext, createCall, isError } from '@keelson/kernel'
import { createFakeClock, type FakeClock } from '@keelson/kernel/testing'
import { startForTest } from '@keelson/services/testing'
import { bulkheadPlaces, deadlineMs, Ledger, LedgerRecord, readerOf, Shop, soakServices } from './calls-system.ts'
import { seededRandom } from './seeded-random.ts'
import type { SoakReport } from './soak-report.ts'

/** Steps until a system is closed and the next one started. */
const stepsPerSystem = 1_000
/** Deadlines are swept, so that a call may end this much after its own. */
const sweepMs = 25
const accounts = 4
const subjects = ['ada', 'grace', 'linus']

/** The failures that a call may end with, whatever the moment. Anything else is a violation. */
const expectedCodes: ReadonlySet<string> = new Set([
  'LEDGER_BUSY',
  'LEDGER_REFUSED',
  'DEADLINE_EXCEEDED',
  'CALL_CANCELLED',
  'CALL_IN_PROGRESS',
  'IDEMPOTENCY_KEY_REUSED',
  'CIRCUIT_OPEN',
  'BULKHEAD_FULL',
  'SERVICE_NOT_RUNNING',
  'REQUEST_CANCELLED',
])
/** A part that hangs is closed all the same, and named. */
const closingCodes: ReadonlySet<string> = new Set([
  'CLOSE_TIMED_OUT',
  'CLOSE_CUT',
  'START_CANCELLED',
  'SERVICE_NOT_RUNNING',
])

const counted: ReadonlySet<string> = new Set([
  ...['breaker opened', 'cache hits', 'cache misses', 'cache stale', 'hedge hedged', 'hedge won', 'keyed repeats'],
  'retry retries',
])

/** @param steps is how many there are, @param seed decides all that happens. */
export async function soakCalls(steps: number, seed: number): Promise<SoakReport> {
  const random = seededRandom(seed)
  const counts = new Map<string, number>()
  const violations: string[] = []
  for (let done = 0; done < steps && violations.length < 50; done += stepsPerSystem) {
    const clock = createFakeClock()
    const record = new LedgerRecord()
    const run = new SystemRun(random, counts, clock, record, await startSoakSystem(record, clock, random))
    const found = await run.drive(Math.min(stepsPerSystem, steps - done))
    violations.push(...found.map((one) => `seed ${seed}, from step ${done}: ${one}`))
  }
  const rows = [...counts].sort().map(([what, count]) => ({ what, count }))
  return {
    rows: [{ what: 'steps', count: steps }, ...rows, { what: 'violations', count: violations.length }],
    violations,
  }
}

/** One started system, until it is closed. */
class SystemRun {
  readonly #random: () => number
  readonly #counts: Map<string, number>
  readonly #clock: FakeClock
  readonly #record: LedgerRecord
  readonly #system: SoakSystem
  readonly #violations: string[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #leaving: AbortController[] = []
  /** The signal of callers who never leave: nothing may stay with it. */
  readonly #patient = new AbortController()
  /** The highest version of each account that a writer was told of. */
  readonly #told = new Map<number, number>()
  /** What each key was answered first. */
  readonly #answers = new Map<string, string>()
  #calls = 0

  constructor(
    random: () => number,
    counts: Map<string, number>,
    clock: FakeClock,
    record: LedgerRecord,
    system: SoakSystem,
  ) {
    this.#random = random
    this.#counts = counts
    this.#clock = clock
    this.#record = record
    this.#system = system
  }

  /** Gives the violations, once the system is closed and every call has ended. */
  async drive(steps: number): Promise<readonly string[]> {
    for (let step = 0; step < steps; step++) {
      this.#step()
      // What is refused is refused at once: before time moves on.
      await eventLoopTurn()
      if (this.#random() < 0.5) await this.#clock.advance(this.#random() * 60)
      this.#checkPlaces()
    }
    await this.#close()
    return this.#violations
  }

  #step(): void {
    // For a while most of what is asked fails, until it does not.
    if (this.#random() < 0.02) this.#record.isIll = !this.#record.isIll && this.#random() < 0.3
    const drawn = this.#random()
    if (drawn < 0.25) this.#read('read')
    else if (drawn < 0.45) this.#read('look')
    else if (drawn < 0.55) this.#write()
    else if (drawn < 0.65) this.#note()
    else if (drawn < 0.77) this.#pay()
    else if (drawn < 0.87) this.#order()
    else if (drawn < 0.92) this.#watch()
    else if (drawn < 0.97) this.#leave()
    else if (drawn < 0.997) this.#reload()
    else this.#restart()
  }

  #read(operation: 'read' | 'look'): void {
    const account = this.#account()
    const context = this.#context()
    const least = this.#told.get(account) ?? 0
    this.#watchOver(operation, context, this.#system.get(Ledger)[operation]({ account }, context), (answer) => {
      if (answer.account !== account) return `account ${answer.account} for ${account}`
      if (answer.reader !== readerOf(context)) return `what ${answer.reader} may see was shown to ${readerOf(context)}`
      if (answer.version < least) return `version ${answer.version} after a writer was told of ${least}`
      return undefined
    })
  }

  #write(): void {
    const account = this.#account()
    const context = this.#context()
    this.#watchOver('write', context, this.#system.get(Ledger).write({ account }, context), ({ version }) => {
      this.#told.set(account, Math.max(version, this.#told.get(account) ?? 0))
      return undefined
    })
  }

  #note(): void {
    const context = this.#context()
    const { correlationId } = context.origin
    const answer = this.#system.get(Ledger).note({ account: this.#account() }, context)
    this.#watchOver('note', context, answer, () => {
      const times = this.#record.notes.get(correlationId) ?? 0
      return times === 1 ? undefined : `an answered command that must not be repeated took effect ${times} times`
    })
  }

  #pay(): void {
    const key = `pay-${Math.floor(this.#random() * 20)}`
    const context = this.#context(key)
    const payment = { account: key.length % accounts, amount: this.#random() < 0.9 ? 1 : 2 }
    this.#watchOver('pay', context, this.#system.get(Ledger).pay(payment, context), (answer) =>
      this.#sameAsFirst(`pay ${readerOf(context)} ${key}`, answer),
    )
  }

  #order(): void {
    const key = `order-${Math.floor(this.#random() * 20)}`
    const context = this.#context(key)
    const lines = Array.from({ length: 1 + (key.length % 3) }, (_, account) => ({ account, amount: 1 }))
    this.#watchOver('order', context, this.#system.get(Shop).order({ lines }, context), (answer) => {
      const { receipts } = answer
      if (new Set(receipts.map((one) => one.account)).size !== lines.length) return 'nested payments were taken for one'
      return this.#sameAsFirst(`order ${readerOf(context)} ${key}`, answer)
    })
  }

  #sameAsFirst(key: string, answer: unknown): string | undefined {
    const shown = JSON.stringify(answer)
    const first = this.#answers.get(key)
    this.#answers.set(key, first ?? shown)
    return first === undefined || first === shown ? undefined : `${key} was answered ${first} and then ${shown}`
  }

  /** Reads a few items, and leaves at any moment: before the first, between two, or while the next is awaited. */
  #watch(): void {
    const context = this.#context()
    const items = this.#system.get(Ledger).watch({ account: this.#account() }, context)[Symbol.asyncIterator]()
    const wanted = Math.floor(this.#random() * 4)
    const reading = async () => {
      for (let read = 0; read < wanted; read++) await items.next()
      const pending = this.#random() < 0.5 ? items.next() : undefined
      await items.return?.()
      await pending
    }
    this.#settles('watch', reading(), 2_000)
  }

  /** One of the callers gives up. */
  #leave(): void {
    this.#leaving.splice(Math.floor(this.#random() * this.#leaving.length), 1)[0]?.abort()
  }

  #reload(): void {
    const openFor = `${1 + Math.floor(this.#random() * 900)}ms`
    const concurrency = 1 + Math.floor(this.#random() * bulkheadPlaces)
    const changes: [string, unknown][] = [
      ['policies.services.ledger.operations.look.breaker', { openFor }],
      ['policies.services.ledger.operations.look.bulkhead', { concurrency }],
      ['policies.services.ledger.operations.look.hedge', this.#random() < 0.5 ? false : {}],
      ['policies.services.ledger.operations.read.cache', this.#random() < 0.5 ? false : { ttl: openFor }],
    ]
    const [path, value] = changes[Math.floor(this.#random() * changes.length)] ?? ['', undefined]
    this.#settles('reload', this.#system.configuration.update(path, value), 1_000)
  }

  #restart(): void {
    const facade = this.#random() < 0.5 ? this.#system.get(Ledger) : this.#system.get(Shop)
    const restart = async () => {
      await facade.cleanup()
      await facade.initialize()
    }
    this.#settles('restart', restart(), 60_000, closingCodes)
  }

  #account(): number {
    return Math.floor(this.#random() * accounts)
  }

  #context(key?: string): CallContext {
    const leaves = this.#random() < 0.5
    const leaving = new AbortController()
    if (leaves) this.#leaving.push(leaving)
    if (this.#leaving.length > 50) this.#leaving.shift()
    const hurries = this.#random() < 0.3
    return createCall({
      correlationId: `call-${++this.#calls}`,
      subject: subjects[Math.floor(this.#random() * subjects.length)],
      signal: leaves ? leaving.signal : this.#patient.signal,
      ...(hurries && { deadlineAt: this.#clock.monotonic() + this.#random() * 1_000 }),
      key,
    })
  }

  #watchOver<T>(what: string, context: CallContext, answer: Promise<T>, problemOf: (answer: T) => string | undefined) {
    const checked = answer.then((value) => {
      const problem = problemOf(value)
      if (problem) this.#violations.push(`${what} (${context.origin.correlationId}): ${problem}`)
    })
    const leftMs = (context.deadlineAt ?? Number.POSITIVE_INFINITY) - this.#clock.monotonic()
    this.#settles(what, checked, Math.min(deadlineMs, leftMs) + sweepMs)
  }

  /** Whatever it comes to, it must come to it within this time, and only to what is expected. */
  #settles(what: string, work: Promise<unknown>, withinMs: number, codes = expectedCodes): void {
    const begunMs = this.#clock.monotonic()
    const ended = (outcome: string) => {
      const tookMs = this.#clock.monotonic() - begunMs
      if (tookMs > withinMs) this.#violations.push(`${what} (${outcome}) took ${tookMs} ms instead of ${withinMs}`)
      this.#count(`${what}: ${outcome}`)
      this.#running.delete(settled)
    }
    const settled: Promise<void> = work.then(
      () => ended('answered'),
      (error: unknown) => {
        const code = isError(error) ? error.code : String(error)
        if (!codes.has(code)) this.#violations.push(`${what} failed with ${code}`)
        ended(code)
      },
    )
    this.#running.add(settled)
  }

  /** What policies did, so that a run shows what it has put to the test. */
  #countPolicies(): void {
    for (const operation of Object.keys(Ledger.operations)) {
      const state = this.#system.registry.host('ledger').policyState(operation)
      for (const [policy, counts] of Object.entries(state))
        for (const [name, count] of Object.entries(counts))
          if (counted.has(`${policy} ${name}`)) this.#count(`policy: ${policy} ${name}`, Number(count))
    }
  }

  #count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by)
  }

  #checkPlaces(): void {
    const state = this.#system.registry.host('ledger').policyState('look').bulkhead
    if (!state) return
    const { running, waiting } = state
    if (running < 0 || running > bulkheadPlaces)
      this.#violations.push(`${running} calls have a place of ${bulkheadPlaces}`)
    if (waiting < 0) this.#violations.push(`${waiting} calls wait for a place`)
  }

  async #close(): Promise<void> {
    this.#countPolicies()
    this.#settles('close', this.#system.close(), 120_000, this.#record.hanging > 0 ? closingCodes : new Set())
    for (let waitedMs = 0; this.#running.size > 0 && waitedMs < 150_000; waitedMs += 500) await this.#clock.advance(500)
    if (this.#running.size > 0) this.#violations.push(`${this.#running.size} calls never ended`)
    for (const [what, times] of [...this.#record.payments])
      if (times > 1) this.#violations.push(`the payment ${what} took effect ${times} times`)
    for (const [what, times] of this.#record.notes)
      if (times > 1) this.#violations.push(`the unsafe command ${what} took effect ${times} times`)
    // A place that an implementation holds which never ends is given back after a while.
    await this.#clock.advance(60_000)
    const left = getEventListeners(this.#patient.signal, 'abort').length
    if (left > 0) this.#violations.push(`${left} listeners stay with the signal of a caller`)
    const { running = 0, waiting = 0 } = this.#system.registry.host('ledger').policyState('look').bulkhead ?? {}
    if (running + waiting > 0) this.#violations.push(`${running} calls kept their place, ${waiting} wait for ever`)
  }
}

/** Lets everything happen that waits for nothing but each other. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

type SoakSystem = Awaited<ReturnType<typeof startSoakSystem>>

function startSoakSystem(record: LedgerRecord, clock: FakeClock, random: () => number) {
  return startForTest({ services: soakServices(record, clock, random), clock, random })
}
