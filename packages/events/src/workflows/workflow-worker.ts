/**
 * Works on the instances that are due: takes them, runs them, and lays them to rest. Each workflow has places of its own, so that slow steps
 * of one hold up no other. A run that rests stays in memory while there is room, so that it goes on without its journal being read again.
 */
import { type Clock, isLeaseLost } from '@keelson/kernel'
import { isAway } from './database-away.ts'
import type { DatabaseTime } from './database-time.ts'
import type { Due, InstanceList, WorkflowRoom } from './instance-list.ts'
import { type Instance, keyOf } from './instance-names.ts'
import type { ScheduledEvents } from './scheduled-events.ts'
import { Slots } from './slots.ts'
import { SqlJournal } from './sql-journal.ts'
import type { Workflow } from './workflow.ts'
import { kept } from './workflow-journal.ts'
import type { WorkflowMetrics } from './workflow-metrics.ts'
import { type RunResult, WorkflowRun } from './workflow-run.ts'
import type { HeldInstance, WorkflowTables } from './workflow-tables.ts'

export interface WorkerOptions {
  readonly definitions: readonly Workflow[]
  readonly tables: WorkflowTables
  readonly list: InstanceList
  readonly scheduled: ScheduledEvents
  readonly time: DatabaseTime
  readonly clock: Clock
  readonly metrics: WorkflowMetrics | undefined
  /** Of each workflow that does not say otherwise. */
  readonly concurrency: number
  readonly leaseMs: number
  readonly ended: (instance: Instance, position: number) => void
  readonly failed: (error: unknown) => void
}

/** A run and the lease under which it works, another each time it is taken up. */
interface Running {
  instance: HeldInstance
  readonly run: WorkflowRun
  readonly slots: Slots
  done: Promise<void>
  /** Until then nobody else can have taken it over, by this program's monotonic clock. */
  heldUntil: number
  isLost: boolean
  /** It sleeps in memory and has given its place to others. */
  isIdle: boolean
}

/** A program that is not told looks so often. */
const pollMs = 250
/** Runs that are kept in memory while they rest. */
const mostResting = 1_000
/** Runs that sleep in memory. */
const mostIdle = 5_000

export class WorkflowWorker {
  readonly #options: WorkerOptions
  readonly #slots: ReadonlyMap<string, Slots>
  readonly #runs = new Map<string, Running>()
  readonly #resting = new Map<string, Running>()
  readonly #stop = new AbortController()
  #idle = 0
  #wake = () => {}
  #begun = () => {}
  #isWoken = false

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#slots = new Map(
      options.definitions.map(({ name, concurrency = options.concurrency }) => [name, new Slots(concurrency)]),
    )
  }

  /** How many instances are held. */
  get size(): number {
    return this.#runs.size
  }

  /** Resolves after `close`. */
  async work(): Promise<void> {
    await Promise.all([this.#work(), this.#renew()])
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.notice()
    this.#begun()
    for (const { run } of this.#runs.values()) run.stop()
    for (const { run } of this.#resting.values()) run.stop()
    await Promise.all([...this.#runs.values()].map(({ done }) => done))
  }

  /** Something may have become due. */
  notice(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** An instance was told something: a run of this program sees it at once; one of another when it writes, rests or keeps its lease. */
  async changed(instance: Instance): Promise<void> {
    this.notice()
    await this.#runs.get(keyOf(instance))?.run.look()
  }

  async #work(): Promise<void> {
    const { clock, scheduled, failed } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        this.#isWoken = false
        const due = await this.#due()
        const isBusy = await this.#take(due)
        const hasMore = due.event !== undefined && due.event <= due.now && (await scheduled.appendDue())
        if (!isBusy && !hasMore) await this.#pause(due)
      } catch (error) {
        if (signal.aborted) return
        failed(error)
        await clock.sleep(pollMs, signal).catch(() => {})
      }
    }
  }

  async #due(): Promise<Due> {
    const { clock, list, time } = this.#options
    const askedAt = clock.monotonic()
    const due = await list.nextDue(this.#rooms())
    time.told(due.now, askedAt)
    return due
  }

  #rooms(): readonly WorkflowRoom[] {
    const { definitions } = this.#options
    return [...this.#slots].flatMap(([workflow, { free }]) => {
      if (free === 0) return []
      const versions = definitions.flatMap(({ name, version }) => (name === workflow ? [version] : []))
      const running = [...this.#runs.values()].flatMap(({ instance }) =>
        instance.workflow === workflow ? [instance.id] : [],
      )
      return [{ workflow, versions, running, free }]
    })
  }

  /** True when something was taken. */
  async #take(due: Due): Promise<boolean> {
    const { tables, metrics, clock, time } = this.#options
    const rooms = this.#rooms().filter(
      ({ workflow }) => (due.workflows.get(workflow) ?? Number.POSITIVE_INFINITY) <= due.now,
    )
    const taken = await Promise.all(
      rooms.map(async ({ workflow, versions, running, free }) => {
        const askedAt = clock.monotonic()
        const held = await tables.claim(workflow, versions, running, free)
        for (const instance of held) {
          metrics?.taken(workflow, time.now() - instance.dueAt)
          this.#begin(instance, askedAt)
        }
        return held.length
      }),
    )
    return taken.some((count) => count > 0)
  }

  /** Until something of this program has changed, or something is due; what others begin is seen at the next look. */
  async #pause({ now, event, workflows }: Due): Promise<void> {
    if (this.#isWoken) return
    const first = Math.min(event ?? Number.POSITIVE_INFINITY, ...workflows.values())
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    const { clock } = this.#options
    const delayMs = Math.min(pollMs, Math.max(1, first - now))
    await clock.sleep(delayMs, AbortSignal.any([woken.signal, this.#stop.signal])).catch(() => {})
    this.#wake = () => {}
  }

  #begin(instance: HeldInstance, askedAt: number): void {
    const { failed, leaseMs } = this.#options
    const key = keyOf(instance)
    const resting = this.#resting.get(key)
    this.#resting.delete(key)
    const running = resting ?? this.#create(instance)
    if (!running) return
    running.slots.take()
    Object.assign(running, { instance, heldUntil: askedAt + leaseMs, isLost: false })
    running.done = this.#follow(running, resting ? running.run.goOn() : running.run.run())
      .catch((error: unknown) => failed(error))
      .finally(() => {
        this.#runs.delete(key)
        if (running.isIdle) this.#idle -= 1
        else running.slots.give()
        running.isIdle = false
        this.notice()
      })
    this.#runs.set(key, running)
    this.#begun()
  }

  #create(instance: HeldInstance): Running | undefined {
    const { definitions, clock, time, metrics, tables, failed } = this.#options
    const { workflow, version } = instance
    const definition = definitions.find((one) => one.name === workflow && one.version === version)
    const slots = this.#slots.get(workflow)
    if (!definition || !slots) return undefined
    const run = new WorkflowRun(instance, definition, {
      ...{ instance, clock, now: time.now, strayed: failed },
      journal: new SqlJournal(
        tables,
        () => running.instance,
        () => this.notice(),
      ),
      hold: () => this.#hold(running),
      mayIdle: (forMs) => this.#mayIdle(running, forMs),
      busy: async () => {
        running.isIdle = false
        this.#idle -= 1
        await slots.taken()
      },
      stepped: (outcome, tookMs) => metrics?.stepped(workflow, outcome, tookMs),
    })
    const running: Running = {
      ...{ instance, run, slots, done: Promise.resolve(), heldUntil: 0, isLost: false, isIdle: false },
    }
    return running
  }

  #mayIdle(running: Running, forMs: number): boolean {
    if (forMs > this.#options.leaseMs / 2 || this.#idle >= mostIdle || this.#stop.signal.aborted) return false
    running.isIdle = true
    this.#idle += 1
    running.slots.give()
    this.notice()
    return true
  }

  async #follow(running: Running, result: Promise<RunResult>): Promise<void> {
    const { tables } = this.#options
    try {
      await this.#settle(running, await result)
    } catch (error) {
      if (running.isLost || isLeaseLost(error)) return
      // What is no fault of the database's would come again at once.
      if (isAway(error)) await tables.release(running.instance).catch(() => {})
      else await this.#park(running.instance, kept(error).message)
      throw error
    }
  }

  async #settle(running: Running, result: RunResult): Promise<void> {
    const { tables, metrics, ended } = this.#options
    const { instance } = running
    if (running.isLost) return
    if (result.kind === 'ended') {
      ended(instance, await tables.end(instance, result.outcome, instance.lease.fence, result.notes))
      metrics?.ended(instance.workflow, result.outcome.status)
    } else if (result.kind === 'parked') await this.#park(instance, result.reason)
    else if (this.#stop.signal.aborted) await tables.release(instance)
    else {
      await tables.rest(instance, result)
      this.#keepResting(running)
    }
  }

  #keepResting(running: Running): void {
    const [oldest] = this.#resting
    if (oldest && this.#resting.size >= mostResting) {
      this.#resting.delete(oldest[0])
      oldest[1].run.stop()
    }
    this.#resting.set(keyOf(running.instance), running)
  }

  async #park(instance: HeldInstance, reason: string): Promise<void> {
    await this.#options.tables.park(instance, reason)
    this.#options.metrics?.ended(instance.workflow, 'parked')
  }

  /** What this program was paused for too long with may be another's: nothing is begun before that is known. */
  async #hold(running: Running): Promise<void> {
    if (running.isLost || this.#options.clock.monotonic() < running.heldUntil) return
    await this.#keep([running])
  }

  async #keep(running: readonly Running[]): Promise<void> {
    const { clock, tables, leaseMs } = this.#options
    const askedAt = clock.monotonic()
    const kept = await tables.renew(running.map(({ instance }) => instance))
    for (const one of running) {
      const changes = kept.get(one.instance)
      if (changes === undefined) {
        one.isLost = true
        one.run.stop()
      } else {
        one.heldUntil = askedAt + leaseMs
        if (one.run.seen < changes) await one.run.look()
      }
    }
  }

  async #renew(): Promise<void> {
    const { clock, leaseMs, failed } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      if (this.#runs.size === 0) await new Promise<void>((begun) => (this.#begun = begun))
      await clock.sleep(leaseMs / 3, signal).catch(() => {})
      if (!signal.aborted && this.#runs.size > 0) await this.#keep([...this.#runs.values()]).catch(failed)
    }
  }
}
