/**
 * The parts of a ZIP archive that a document format asks for, unpacked within bounds: what claims to be small and is not, or is packed a
 * thousand times over, is refused before it fills the memory. Source: APPNOTE.TXT 6.3.10, without ZIP64, which no file below 4 GB needs.
 */
import { inflateRawSync } from 'node:zlib'
import { documentsErrors } from '../../errors.ts'
import { limits } from './limits.ts'

export interface Archive {
  readonly names: readonly string[]
  /** Undefined when there is no such part. Throws DOCUMENTS_FILE_LOCKED, DOCUMENTS_FILE_BOMB or DOCUMENTS_FILE_DAMAGED. */
  read(name: string): Uint8Array | undefined
}

interface Part {
  readonly isEncrypted: boolean
  readonly method: number
  readonly packedBytes: number
  readonly offset: number
}

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const localHeader = 0x04034b50
/** What Office writes when a document has a password: a file of its own older format around the encrypted one. */
const compoundFile = [0xd0, 0xcf, 0x11, 0xe0]

/** Throws DOCUMENTS_FILE_LOCKED or DOCUMENTS_FILE_DAMAGED. */
export function openArchive(bytes: Uint8Array, path: string): Archive {
  if (compoundFile.every((byte, at) => bytes[at] === byte)) throw documentsErrors.DOCUMENTS_FILE_LOCKED({ path })
  const damaged = (reason: string) => documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts = guarded(() => partsOf(view, bytes, damaged), damaged)
  let left: number = limits.unpackedBytes
  return {
    names: [...parts.keys()],
    read(name) {
      const part = parts.get(name)
      if (!part) return undefined
      if (part.isEncrypted) throw documentsErrors.DOCUMENTS_FILE_LOCKED({ path })
      const packed = guarded(() => packedBytes(view, bytes, part, damaged), damaged)
      const unpacked = part.method === 0 ? packed : unpack(packed, left, path)
      left -= unpacked.length
      if (left < 0) throw documentsErrors.DOCUMENTS_FILE_BOMB({ path, limit: limits.unpackedBytes })
      return unpacked
    },
  }
}

function partsOf(view: DataView, bytes: Uint8Array, damaged: (reason: string) => Error): Map<string, Part> {
  const end = endOf(view)
  if (end < 0) throw damaged('it is no ZIP archive, or its end is missing')
  const count = view.getUint16(end + 10, true)
  if (count > limits.parts) throw damaged(`it has ${count} parts`)
  const parts = new Map<string, Part>()
  let at = view.getUint32(end + 16, true)
  for (let entry = 0; entry < count; entry++) {
    if (view.getUint32(at, true) !== directoryEntry) throw damaged('its directory cannot be read')
    const nameLength = view.getUint16(at + 28, true)
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))
    parts.set(name.replaceAll('\\', '/'), {
      isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
      method: view.getUint16(at + 10, true),
      packedBytes: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    })
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return parts
}

/** The record at the end, behind which a comment of up to 65,535 bytes may stand. */
function endOf(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 65_535); at--)
    if (view.getUint32(at, true) === endOfDirectory) return at
  return -1
}

function packedBytes(view: DataView, bytes: Uint8Array, part: Part, damaged: (reason: string) => Error): Uint8Array {
  const { offset, method } = part
  if (view.getUint32(offset, true) !== localHeader) throw damaged('one of its parts cannot be found')
  if (method !== 0 && method !== 8) throw damaged(`one of its parts is packed by method ${method}`)
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true)
  if (start + part.packedBytes > bytes.length) throw damaged('one of its parts is cut short')
  return bytes.subarray(start, start + part.packedBytes)
}

function unpack(packed: Uint8Array, limit: number, path: string): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, limit) })
  } catch (cause) {
    if (
      cause instanceof RangeError ||
      (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
    )
      throw documentsErrors.DOCUMENTS_FILE_BOMB({ path, limit: limits.unpackedBytes }, { cause })
    throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: 'one of its parts cannot be unpacked' }, { cause })
  }
}

/** What lies outside the bytes is read by a number that was made up. */
function guarded<T>(work: () => T, damaged: (reason: string) => Error): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError) throw damaged('it is cut short')
    throw error
  }
}
