/**
 * The frame that snapshots of indexes are written in. Arrays are written as they lie in memory, each at a multiple of 8 bytes, so that
 * opening a snapshot is a checksum and no copy. Layout: magic, version, CRC-32 of all that follows it, length of the header; the header
 * as JSON; the arrays.
 */
import { crc32 } from 'node:zlib'
import type { KeelsonError } from '@keelson/kernel'

/** What tells one kind of snapshot from another. */
export interface FrameFormat {
  /** Reads as another number on a machine with the other byte order. */
  readonly magic: number
  /** Bytes of any other version are refused. */
  readonly version: number
  /** The error for bytes that are no such snapshot. */
  readonly invalid: (details: { reason: string }, options?: { cause?: unknown }) => KeelsonError
}

export type FrameArray = Uint8Array | Uint16Array | Uint32Array | Float32Array

const preambleLength = 16
const checkedFrom = 12

export function encodeFrame(format: FrameFormat, header: object, arrays: readonly FrameArray[]): Uint8Array {
  const headerBytes = Buffer.from(JSON.stringify(header))
  const all: readonly FrameArray[] = [headerBytes, ...arrays]
  const bytes = new Uint8Array(all.reduce((size, array) => size + aligned(array.byteLength), preambleLength))
  let at = preambleLength
  for (const array of all) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at)
    at += aligned(array.byteLength)
  }
  const preamble = new Uint32Array(bytes.buffer, 0, preambleLength / 4)
  preamble.set([format.magic, format.version, 0, headerBytes.length])
  preamble[2] = crc32(bytes.subarray(checkedFrom))
  return bytes
}

/**
 * What `read` makes of the header and the arrays. The checksum holds by then, so they are what `encodeFrame` was given; `read` throws
 * when they do not fit together all the same.
 *
 * @throws the error of `format`, also for whatever `read` throws or leaves unread.
 */
export function decodeFrame<Result>(
  format: FrameFormat,
  given: Uint8Array,
  read: (header: unknown, arrays: ArrayReader) => Result,
): Result {
  // Not slice(): a Buffer's is a view of the same bytes.
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given)
  const headerLength = checkPreamble(format, bytes)
  try {
    const header: unknown = JSON.parse(
      new TextDecoder().decode(bytes.subarray(preambleLength, preambleLength + headerLength)),
    )
    const arrays = new ArrayReader(bytes, preambleLength + aligned(headerLength))
    const result = read(header, arrays)
    if (!arrays.isAtEnd) throw new RangeError('There are bytes behind the last array')
    return result
  } catch (cause) {
    throw format.invalid({ reason: 'its parts do not fit together' }, { cause })
  }
}

/** Returns the length of the header. */
function checkPreamble({ magic, version, invalid }: FrameFormat, bytes: Uint8Array): number {
  if (bytes.length < preambleLength) throw invalid({ reason: 'it is cut short' })
  const preamble = new Uint32Array(bytes.buffer, bytes.byteOffset, preambleLength / 4)
  const [found, itsVersion, checksum, headerLength] = preamble
  if (found !== magic) throw invalid({ reason: 'it is something else, or from a machine with another byte order' })
  if (itsVersion !== version) {
    throw invalid({ reason: `it is of version ${itsVersion}, this program reads ${version}` })
  }
  if (checksum !== crc32(bytes.subarray(checkedFrom))) throw invalid({ reason: 'it is damaged or cut short' })
  return headerLength ?? 0
}

/** Hands out the arrays one after the other, as views of the bytes. */
export class ArrayReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  uint8(length: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#take(length), length)
  }

  uint16(length: number): Uint16Array {
    return new Uint16Array(this.#bytes.buffer, this.#take(2 * length), length)
  }

  uint32(length: number): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, this.#take(4 * length), length)
  }

  float32(length: number): Float32Array {
    return new Float32Array(this.#bytes.buffer, this.#take(4 * length), length)
  }

  #take(byteLength: number): number {
    const at = this.#at
    this.#at += aligned(byteLength)
    if (this.#at > this.#bytes.length) throw new RangeError('An array ends behind the bytes')
    return this.#bytes.byteOffset + at
  }
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / 8) * 8
}
