/**
 * Writes lines to a file or descriptor before the call returns, so that nothing is lost when the process ends. pino's own destination is
 * not used: on a full disk its `flushSync`, which each fatal record calls, tries for ever.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { reasonOf } from '@keelson/kernel'
import { telemetryErrors } from '@keelson/telemetry'

export interface LineDestination {
  /** Writes one line, with its end. Throws when it cannot; what was written of that line is ended before the next. */
  write(line: string): void
  /** Closes the file, unless the descriptor belongs to the caller. Safe to repeat. */
  close(): void
}

/** Writes the beginning of `bytes` and says how much of it, as `writeSync` does. */
type WriteSome = (descriptor: number, bytes: Uint8Array) => number

/**
 * Opens a file, whose folder is made when it is missing and which is appended to, or takes over an open descriptor such as 1, the standard
 * output. Throws TELEMETRY_LOG_DESTINATION_UNUSABLE when the file cannot be opened.
 */
export function openLineDestination(destination: string | number, write: WriteSome = writeSync): LineDestination {
  const descriptor = typeof destination === 'number' ? destination : openForAppending(destination)
  let isTorn = false
  let isClosed = false
  return {
    write(line) {
      // A closed descriptor may by now be another file.
      if (isClosed) return
      let rest = Buffer.from(isTorn ? `\n${line}` : line)
      const whole = rest.length
      try {
        while (rest.length > 0) rest = rest.subarray(patiently(() => write(descriptor, rest)))
        isTorn = false
      } catch (error) {
        isTorn ||= rest.length < whole
        throw error
      }
    },
    close() {
      if (!isClosed && typeof destination === 'string') closeSync(descriptor)
      isClosed = true
    },
  }
}

function openForAppending(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true })
    return openSync(file, 'a')
  } catch (cause) {
    const reason = reasonOf(cause)
    throw telemetryErrors.TELEMETRY_LOG_DESTINATION_UNUSABLE({ destination: file, reason }, { cause })
  }
}

const waitMs = 10
const waitsAtMost = 100
const neverWoken = new Int32Array(new SharedArrayBuffer(4))

/** A pipe may be full for a moment; its reader gets a second to catch up before the line is given up. */
function patiently(write: () => number): number {
  for (let waits = 0; ; waits++) {
    try {
      return write()
    } catch (error) {
      if (!isFull(error) || waits >= waitsAtMost) throw error
      Atomics.wait(neverWoken, 0, 0, waitMs)
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
