/**
 * A fitted model as bytes. The arrays are written as they lie in memory, each at a multiple of 8 bytes, so that opening is a checksum and
 * no copy. Layout: magic, version, CRC-32 of all that follows it, length of the header; the header as JSON; the arrays.
 */
import { crc32 } from 'node:zlib'
import { infrastructureErrors } from '../errors.ts'
import { StringTable } from '../search/string-table.ts'
import type { Vocabulary } from './lsa-corpus.ts'

/** Reads as another number on a machine with the other byte order. */
const magic = 0x4b4c_5341
/** Goes up with the layout, and with any change to how text becomes terms or terms are weighed. */
const version = 1
const preambleLength = 16
const checkedFrom = 12

export interface LsaParts {
  readonly vocabulary: Vocabulary
  /** For each term, `dimension` numbers one after the other. */
  readonly basis: Float32Array
  readonly facts: LsaFacts
}

/** What the header says, beside how long the arrays are. */
export interface LsaFacts {
  readonly dimension: number
  readonly textCount: number
  readonly unknownWeight: number
  readonly expectedUnknownShare: number
}

interface Header extends LsaFacts {
  readonly unitCount: number
  readonly termCount: number
}

export function encodeLsa({ vocabulary: { terms, weights }, basis, facts }: LsaParts): Uint8Array {
  const header: Header = { ...facts, unitCount: terms.units.length, termCount: terms.size }
  const headerBytes = Buffer.from(JSON.stringify(header))
  const arrays = [headerBytes, terms.units, terms.starts, weights, basis]
  const bytes = new Uint8Array(arrays.reduce((size, array) => size + aligned(array.byteLength), preambleLength))
  let at = preambleLength
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at)
    at += aligned(array.byteLength)
  }
  const preamble = new Uint32Array(bytes.buffer, 0, preambleLength / 4)
  preamble.set([magic, version, 0, headerBytes.length])
  preamble[2] = crc32(bytes.subarray(checkedFrom))
  return bytes
}

/** The checksum is the model's version: equal bytes give equal vectors. @throws MODEL_BYTES_INVALID */
export function decodeLsa(given: Uint8Array): LsaParts & { readonly checksum: number } {
  // A copy starts at a multiple of 8; `slice` would not do, which for a Buffer is no copy.
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given)
  const { headerLength, checksum } = checkPreamble(bytes)
  try {
    const headerBytes = bytes.subarray(preambleLength, preambleLength + headerLength)
    // The checksum holds, so these are the bytes that encodeLsa made of a Header.
    const { unitCount, termCount, ...facts } = JSON.parse(new TextDecoder().decode(headerBytes)) as Header
    let at = bytes.byteOffset + preambleLength + aligned(headerLength)
    const take = (byteLength: number) => {
      const from = at
      at += aligned(byteLength)
      return from
    }
    const units = new Uint16Array(bytes.buffer, take(2 * unitCount), unitCount)
    const terms = new StringTable(units, new Uint32Array(bytes.buffer, take(4 * termCount + 4), termCount + 1))
    const weights = new Float32Array(bytes.buffer, take(4 * termCount), termCount)
    const size = termCount * facts.dimension
    const basis = new Float32Array(bytes.buffer, take(4 * size), size)
    if (at !== bytes.byteOffset + bytes.length || terms.starts.at(-1) !== unitCount) {
      throw new RangeError('The arrays are not as long as the header says')
    }
    return { vocabulary: { terms, weights, unknownWeight: facts.unknownWeight }, basis, facts, checksum }
  } catch (cause) {
    throw infrastructureErrors.MODEL_BYTES_INVALID({ reason: 'its parts do not fit together' }, { cause })
  }
}

function checkPreamble(bytes: Uint8Array): { headerLength: number; checksum: number } {
  const invalid = (reason: string) => infrastructureErrors.MODEL_BYTES_INVALID({ reason })
  if (bytes.length < preambleLength) throw invalid('it is cut short')
  const preamble = new Uint32Array(bytes.buffer, bytes.byteOffset, preambleLength / 4)
  const [found, itsVersion, checksum = 0, headerLength = 0] = preamble
  if (found !== magic) throw invalid('it is something else, or from a machine with another byte order')
  if (itsVersion !== version) throw invalid(`it is of version ${itsVersion}, this program reads ${version}`)
  if (checksum !== crc32(bytes.subarray(checkedFrom))) throw invalid('it is damaged or cut short')
  return { headerLength, checksum }
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / 8) * 8
}
