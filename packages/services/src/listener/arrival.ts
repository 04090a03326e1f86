/**
 * One request as it came in, and the ways of answering it, whatever protocol carries it. What speaks a protocol implements this; nothing
 * above the listener knows which one it was.
 */
export interface Arrival {
  /** As it came: `HEAD` is answered by the route of GET. */
  readonly method: string
  /** Path and query string. */
  readonly target: string
  /** The address of whoever opened the connection. */
  readonly remoteAddress: string
  /** Aborts with REQUEST_CANCELLED when the caller goes away before the answer is whole. */
  readonly gone: AbortSignal
  /** Whether an answer has begun: no other can be given then. */
  readonly isAnswered: boolean
  /** Of the request, by its name in lower case. Several of one name are joined with commas where HTTP allows several. */
  header(name: string): string | undefined
  /** Names of all headers of the request, in lower case. */
  headerNames(): readonly string[]
  /** Reads the whole body. Rejects with REQUEST_TOO_LARGE as soon as the limit is passed, or REQUEST_MALFORMED. */
  readBytes(maxBytes: number): Promise<Buffer>
  /** Gives the whole answer. Does nothing when one has begun or the caller has gone. */
  answer(status: number, headers: AnswerHeaders, body?: string | Uint8Array): void
  /** Begins an answer that comes in parts, with no end known. */
  stream(status: number, headers: AnswerHeaders): AnswerStream
  /** Breaks off an answer that cannot be finished, so that the caller does not take it for a whole one. */
  breakOff(): void
}

export type AnswerHeaders = Readonly<Record<string, string>>

export interface AnswerStream {
  /** Resolves when there is room for more, or at once when the caller has gone. */
  write(text: string): Promise<void>
  /** Resolves when all of it is on its way, or the caller has gone. */
  end(): Promise<void>
}
