/**
 * The journal of an instance as one run goes through it: each record is handed over once, in the journal's order, whoever wrote it, and
 * not before the function has asked for what it answers. A record that the function does not ask for shows that its code was changed.
 */
import type { Clock, Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { Instance, RecordOf } from './instance-names.ts'
import type { WorkflowAnswers } from './workflow-answers.ts'
import { type Asked, askedIn, type JournalEvent, type JournalRecord, type RecordNotes } from './workflow-journal.ts'

/** The journal of one instance. Each call rejects with a JournalFailure when the database does. */
export interface InstanceJournal {
  /** Records from a version on, in their order. */
  read(from: number): Promise<readonly JournalRecord[]>
  /** Gives the version of the record; undefined when it was written before, by whomever. */
  append(of: RecordOf, event: JournalEvent, notes: RecordNotes): Promise<number | undefined>
  /** `work` and the record of what it gives take effect together, once: undone when it was recorded before. Rejects as `work` does. */
  transact(key: string, work: (transaction: Queryable) => Promise<JournalEvent>, notes: RecordNotes): Promise<void>
  /** Begins a child and notes it, once; does neither when the instance has been cancelled. */
  beginChild(
    key: string,
    child: { readonly workflow: string; readonly version: number },
    input: unknown,
    notes: RecordNotes,
  ): Promise<void>
}

/** The journal could not be written or read: no step is to blame. */
export class JournalFailure extends Error {
  constructor(cause: unknown) {
    super('the journal is out of reach', { cause })
  }
}

/** What the platform of a run gives the cursor. */
export interface CursorPlatform {
  readonly instance: Instance
  readonly journal: InstanceJournal
  readonly clock: Clock
  /** Milliseconds since 1970, by the database's clock. */
  readonly now: () => number
}

/** How long a function may take to ask, when it waits for what is no part of the workflow: turns of the event loop, then pauses. */
const patience = { turns: 20, pauses: 20, pauseMs: 10 }

export class JournalCursor {
  readonly #platform: CursorPlatform
  readonly #answers: WorkflowAnswers
  readonly #over: AbortSignal
  readonly #hand: (record: JournalRecord) => Promise<void> | void
  #delivering: Promise<void> = Promise.resolve()
  #delivered = 0
  /** Records that were read, and how many of them have been handed over. */
  #read: readonly JournalRecord[] = []
  #handed = 0

  /**
   * @param over aborts when nothing is to be handed over any more.
   * @param hand is given each record; what it does with it comes before the next.
   */
  constructor(
    platform: CursorPlatform,
    answers: WorkflowAnswers,
    over: AbortSignal,
    hand: (record: JournalRecord) => Promise<void> | void,
  ) {
    this.#platform = platform
    this.#answers = answers
    this.#over = over
    this.#hand = hand
  }

  /** How many records have been handed over. */
  get version(): number {
    return this.#delivered
  }

  /** Whether what is read and not handed over yet tells of anything that the function asked for later. */
  get isAtEnd(): boolean {
    return this.#ahead.every(({ event, asked }) => asked.length === 0 && askedIn(event) === undefined)
  }

  /** Whether a later record tells that this was asked for. */
  isAhead(asked: Asked): boolean {
    return this.#ahead.some((record) => record.asked.includes(asked))
  }

  get #ahead(): readonly JournalRecord[] {
    return this.#read.slice(this.#handed)
  }

  /** Hands over the first record, lets the function go with `begin`, and hands over the others. Rejects with WORKFLOW_JOURNAL_MISMATCH. */
  replay(records: readonly JournalRecord[], begin: () => void): Promise<void> {
    const replayed = this.#handOver(records, begin)
    this.#delivering = replayed.catch(() => {})
    return replayed
  }

  /** Writes a record and hands it over; what another worker wrote under its id is taken instead. */
  async record(of: RecordOf, event: JournalEvent): Promise<void> {
    const notes = this.notes(askedIn(event))
    const version = await this.#platform.journal.append(of, event, notes)
    this.#answers.record(notes.asked ?? [])
    await this.catchUp(version === undefined ? undefined : { version, at: notes.at, asked: notes.asked ?? [], event })
  }

  /** What is kept beside a record that is written now. */
  notes(told?: Asked): RecordNotes {
    const asked = this.#answers.unrecorded.filter((one) => one !== told)
    return { at: this.#platform.now(), ...(asked.length > 0 ? { asked } : {}) }
  }

  /**
   * Hands over what the journal has and this run has not seen, in its order. Rejects with a JournalFailure or WORKFLOW_JOURNAL_MISMATCH.
   *
   * @param written what this run has just written: when nothing came before it, there is nothing to read
   */
  catchUp(written?: JournalRecord): Promise<void> {
    const caughtUp = this.#delivering.then(async () => {
      const records =
        written?.version === this.#delivered + 1 ? [written] : await this.#platform.journal.read(this.#delivered + 1)
      await this.#handOver(records)
    })
    this.#delivering = caughtUp.catch(() => {})
    return caughtUp
  }

  async #handOver(records: readonly JournalRecord[], begin = () => {}): Promise<void> {
    this.#read = records
    for (const [at, record] of records.entries()) {
      this.#handed = at + 1
      await this.#deliver(record)
      if (record.version === 1) begin()
      await turn()
    }
  }

  async #deliver(record: JournalRecord): Promise<void> {
    const told = askedIn(record.event)
    const asked = told === undefined ? record.asked : [...record.asked, told]
    for (const one of asked) if (!(await this.#isAsked(one))) throw this.#mismatch(one)
    this.#answers.record(asked)
    this.#delivered = record.version
    await this.#hand(record)
  }

  /** Of a patch that the code no longer asks about nothing depends any more. */
  async #isAsked(asked: Asked): Promise<boolean> {
    const isThere = () => asked.startsWith('patch ') || this.#answers.hasAsked(asked)
    for (let turns = 0; turns < patience.turns && !isThere(); turns++) await turn()
    for (let pauses = 0; pauses < patience.pauses && !isThere(); pauses++)
      await this.#platform.clock.sleep(patience.pauseMs, this.#over)
    return isThere()
  }

  #mismatch(found: Asked): Error {
    const { workflow, id } = this.#platform.instance
    const asked = this.#answers.unrecorded.filter((one) => !one.startsWith('patch ')).map(shown)
    return eventsErrors.WORKFLOW_JOURNAL_MISMATCH({
      ...{ workflow, id, position: this.#delivered + 1, found: shown(found) },
      asked: asked.join(', ') || 'nothing more',
    })
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function shown(asked: Asked): string {
  const [kind, ...name] = asked.split(' ')
  return `a ${kind} "${name.join(' ')}"`
}
