/** Bounds how many calls of an operation run at the same time. Those over the bound wait in the order they came, and over that are refused. */
import * as z from 'zod'
import { type AnsweringAnnotation, annotate } from '../annotation.ts'
import { answering, type Policy, type SettingsOf, settingsOf } from '../policy.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'
import type { Deadlines, Expiring } from './deadlines.ts'

/** The least bound of an adaptive bulkhead that names none. */
const leastByDefault = 4
const shortestGraceMs = 1_000
const longestGraceMs = 60_000

const settings = settingsOf(
  {
    concurrency: z.int().min(1).describe('Calls that run at the same time'),
    queue: z.int().min(0).describe('Calls that wait for a place, in order'),
    adaptive: z.boolean().describe('The bound follows how long calls run, between `least` and `concurrency`'),
    least: z.int().min(1).describe(`An adaptive bound is lower only when \`concurrency\` is; ${leastByDefault}`),
  },
  { concurrency: 64, queue: 0 },
)
const schema = settings.schema
  // Where the two come from different places, the lower holds: one change of the configuration must not need another.
  .refine(({ least = 1, concurrency = least }) => least <= concurrency, {
    path: ['least'],
    message: 'is above `concurrency`',
  })
type BulkheadSettings = SettingsOf<typeof settings>

/**
 * Bounds how many calls run at the same time; further ones wait in order, or are refused with BULKHEAD_FULL. With `adaptive`, the bound is found
 * by measuring: it falls when calls take longer than they did, and grows while they do not.
 */
export function bulkhead(given: z.infer<typeof settings.schema> = {}): AnsweringAnnotation {
  return annotate('bulkhead', schema, given)
}

/** A call that waits for a place. Must not throw. */
export interface Waiting {
  /** It has a place, which it gives back by `leave`. */
  enter(): void
}

/** A call's place in the queue; told of when it leaves before its turn. */
export interface QueuePlace {
  readonly call: Waiting
  before: QueuePlace | undefined
  after: QueuePlace | undefined
  isWaiting: boolean
}

export class Bulkhead {
  #settings: BulkheadSettings
  /** Undefined while the bound is fixed. */
  #adaptive: AdaptiveLimit | undefined
  #running = 0
  /** A list of its own: the front of a Set with many gaps is slow to find. */
  #first: QueuePlace | undefined
  #last: QueuePlace | undefined
  #waiting = 0
  #isLettingIn = false
  refused = 0
  /** Implementations that go on although their places were given back. */
  abandoned = 0

  constructor(given: BulkheadSettings) {
    this.#settings = given
    this.#adaptive = adapted(given, undefined)
  }

  /** Takes up new settings; what runs goes on, and what waits enters when the bound has grown. */
  configure(given: BulkheadSettings): void {
    this.#settings = given
    this.#adaptive = adapted(given, this.#adaptive)
    this.#letIn()
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Calls that may run at the same time, as things are. */
  get limit(): number {
    return this.#adaptive ? this.#adaptive.limit : this.#settings.concurrency
  }

  /** Whether the bound follows how long calls run, and so wants to be told by `ranFor`. */
  get isAdaptive(): boolean {
    return this.#adaptive !== undefined
  }

  /** How long a call ran, in milliseconds; to be told before it leaves. */
  ranFor(ms: number): void {
    this.#adaptive?.ranFor(ms, this.#running)
  }

  /** True: the call has a place, and gives it back by `leave`. */
  enter(): boolean {
    if (this.#running >= this.limit) return false
    this.#running++
    return true
  }

  /** Undefined: nobody more may wait. Else `enter` of the call is called once it has a place. */
  wait(call: Waiting): QueuePlace | undefined {
    if (this.#waiting >= this.#settings.queue) {
      this.refused++
      return undefined
    }
    const place: QueuePlace = { call, before: this.#last, after: undefined, isWaiting: true }
    if (this.#last) this.#last.after = place
    else this.#first = place
    this.#last = place
    this.#waiting++
    return place
  }

  /** The call no longer waits; false when it did not. */
  forget(place: QueuePlace): boolean {
    if (!place.isWaiting) return false
    place.isWaiting = false
    this.#waiting--
    const { before, after } = place
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    return true
  }

  leave(): void {
    this.#running--
    if (this.#first) this.#letIn()
  }

  /**
   * The call of a place has ended, and its implementation goes on without one. The place is given back when that ends, or after as
   * long again as the call had, within a second and a minute: what ignores its signal and hangs must not hold it for ever.
   *
   * @param ownMs the operation's deadline; Infinity when it has none.
   */
  abandon(deadlines: Deadlines, nowMs: number, ownMs: number): AbandonedPlace {
    const graceMs = Math.min(Math.max(ownMs, shortestGraceMs), longestGraceMs)
    return new AbandonedPlace(this, deadlines, nowMs, graceMs)
  }

  /** A call that is answered at once leaves while it is being let in: the loop that let it in sees to the next. */
  #letIn(): void {
    if (this.#isLettingIn) return
    this.#isLettingIn = true
    try {
      for (let place = this.#first; place && this.enter(); place = this.#first) {
        this.forget(place)
        place.call.enter()
      }
    } finally {
      this.#isLettingIn = false
    }
  }
}

/** A place whose call has ended before its implementation. */
export class AbandonedPlace implements Expiring {
  readonly #bulkhead: Bulkhead
  readonly #deadlines: Deadlines
  readonly deadlineAt: number
  before: Expiring | undefined = undefined
  after: Expiring | undefined = undefined
  #isGivenBack = false

  constructor(bulkhead: Bulkhead, deadlines: Deadlines, nowMs: number, graceMs: number) {
    this.#bulkhead = bulkhead
    this.#deadlines = deadlines
    this.deadlineAt = nowMs + graceMs
    deadlines.add(this, nowMs)
  }

  expire(): void {
    this.#isGivenBack = true
    this.#bulkhead.abandoned++
    this.#bulkhead.leave()
  }

  /** The implementation has ended after all. */
  leave(): void {
    if (this.#isGivenBack) {
      this.#bulkhead.abandoned--
      return
    }
    this.#deadlines.remove(this)
    this.#bulkhead.leave()
  }
}

function adapted(given: BulkheadSettings, before: AdaptiveLimit | undefined): AdaptiveLimit | undefined {
  if (given.adaptive !== true) return undefined
  const { least = leastByDefault, concurrency } = given
  before?.configure(least, concurrency)
  return before ?? new AdaptiveLimit(least, concurrency)
}

export interface BulkheadState {
  readonly running: number
  readonly waiting: number
  readonly refused: number
  readonly limit: number
  /** Implementations that go on although their calls have ended long ago and their places were given back. */
  readonly abandoned: number
}

export const bulkheadPolicy: Policy<z.infer<typeof settings.schema>, BulkheadSettings, Bulkhead, BulkheadState> = {
  schema,
  defaults: settings.defaults,
  side: 'both',
  kinds: answering,
  isCode: false,
  metrics: [
    { kind: 'gauge', name: 'keelson_bulkhead_running', help: 'Calls that run', read: ({ running }) => running },
    {
      kind: 'gauge',
      name: 'keelson_bulkhead_limit',
      help: 'Calls that may run at the same time',
      read: ({ limit }) => limit,
    },
    {
      kind: 'gauge',
      name: 'keelson_bulkhead_waiting',
      help: 'Calls that wait for a place',
      read: ({ waiting }) => waiting,
    },
    {
      kind: 'gauge',
      name: 'keelson_bulkhead_abandoned',
      help: 'Implementations that go on long after their calls have ended',
      read: ({ abandoned }) => abandoned,
    },
    {
      kind: 'counter',
      name: 'keelson_bulkhead_refused_total',
      help: 'Calls refused by a full bulkhead',
      read: ({ refused }) => refused,
    },
  ],
  attach() {
    // Made when it is first wanted, and kept from then on: calls may still be in it.
    let places: Bulkhead | undefined
    return {
      configure(given) {
        if (!given) return undefined
        places?.configure(given)
        places ??= new Bulkhead(given)
        return places
      },
      state: () => ({
        running: places?.running ?? 0,
        waiting: places?.waiting ?? 0,
        refused: places?.refused ?? 0,
        limit: places?.limit ?? 0,
        abandoned: places?.abandoned ?? 0,
      }),
    }
  },
}
