/** The database's time between the moments it is asked for: programs whose clocks differ agree on when something is due. */
import type { Clock, Database } from '@keelson/kernel'

export class DatabaseTime {
  readonly #clock: Clock
  #told: number
  #toldAt: number

  private constructor(clock: Clock, told: number, toldAt: number) {
    this.#clock = clock
    this.#told = told
    this.#toldAt = toldAt
  }

  static async open(database: Database, clock: Clock): Promise<DatabaseTime> {
    const toldAt = clock.monotonic()
    return new DatabaseTime(clock, await database.now(), toldAt)
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => Math.round(this.#told + this.#clock.monotonic() - this.#toldAt)

  /** @param askedAt what the monotonic clock showed before the database was asked. */
  told(now: number, askedAt: number): void {
    this.#told = now
    this.#toldAt = askedAt
  }
}
