/** The stream that lines of a log go to, as little of it as logging needs. */

/** The part of a Node writable stream that is used; a plain object with `write` does as well. */
export interface LogStream {
  write(text: string, written?: () => void): unknown
  readonly isTTY?: boolean
  /** Characters not yet handed to the operating system. */
  readonly writableLength?: number
}

/** Resolves when the stream has handed on what was written to it, or has failed to. */
export async function drained(stream: LogStream): Promise<void> {
  if (stream.writableLength) await new Promise<void>((resolve) => stream.write('', resolve))
}
