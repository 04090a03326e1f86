/** Acknowledges what is handled, many at a time, and again until the streams have it: until then it stays in hand. */
import { type Backoff, backoffMs, type Clock, isError } from '@keelson/kernel'

const retry: Backoff = { firstMs: 50, mostMs: 2_000 }
/** Tries after which a consumer that closes leaves them: they will be delivered again. */
const triesAtEnd = 3

export class Acknowledgements {
  readonly #send: (receipts: readonly string[]) => Promise<unknown>
  readonly #sent: (receipts: readonly string[]) => void
  readonly #clock: Clock
  #waiting: string[] = []
  #sending: Promise<void> | undefined
  readonly #closing = new AbortController()

  constructor(
    send: (receipts: readonly string[]) => Promise<unknown>,
    sent: (receipts: readonly string[]) => void,
    clock: Clock,
  ) {
    this.#send = send
    this.#sent = sent
    this.#clock = clock
  }

  add(receipt: string): void {
    this.#waiting.push(receipt)
    this.#sending ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#sending
  }

  async #run(): Promise<void> {
    // What is handled in this turn goes together.
    await Promise.resolve()
    let failures = 0
    while (this.#waiting.length > 0) {
      const receipts = this.#waiting
      this.#waiting = []
      try {
        await this.#send(receipts)
        failures = 0
      } catch (error) {
        failures += 1
        const isOver = this.#closing.signal.aborted && failures >= triesAtEnd
        if (!isError(error, 'MESSAGES_GROUP_LOST') && !isOver) {
          this.#waiting = [...receipts, ...this.#waiting]
          await this.#clock.sleep(backoffMs(retry, failures))
          continue
        }
      }
      this.#sent(receipts)
    }
    this.#sending = undefined
  }
}
