/** The exchange of a request whose route, caller and context are known. */
import type { CallContext, Clock } from '@keelson/kernel'
import type { AnswerHeaders, AnswerStream, Arrival } from './arrival.ts'
import type { Exchange } from './exchange.ts'
import type { Problem } from './problem.ts'

type Known = Pick<Exchange, 'parameters' | 'query' | 'call' | 'closing' | 'clock' | 'report'>

export class RoutedExchange implements Exchange {
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly call: CallContext
  readonly closing: AbortSignal
  readonly clock: Clock
  readonly report: (error: unknown) => Problem
  readonly #arrival: Arrival

  constructor(arrival: Arrival, { parameters, query, call, closing, clock, report }: Known) {
    this.#arrival = arrival
    this.parameters = parameters
    this.query = query
    this.call = call
    this.closing = closing
    this.clock = clock
    this.report = report
  }

  get method(): string {
    return this.#arrival.method
  }

  get remoteAddress(): string {
    return this.#arrival.remoteAddress
  }

  get isAnswered(): boolean {
    return this.#arrival.isAnswered
  }

  header(name: string): string | undefined {
    return this.#arrival.header(name)
  }

  headerNames(): readonly string[] {
    return this.#arrival.headerNames()
  }

  readBytes(maxBytes: number): Promise<Buffer> {
    return this.#arrival.readBytes(maxBytes)
  }

  answer(status: number, headers: AnswerHeaders, body?: string | Uint8Array): void {
    this.#arrival.answer(status, headers, body)
  }

  stream(status: number, headers: AnswerHeaders): AnswerStream {
    return this.#arrival.stream(status, headers)
  }

  breakOff(): void {
    this.#arrival.breakOff()
  }
}
