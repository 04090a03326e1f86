/**
 * Reads one file that a scan found, without trusting that it is still what it was: a link or a pipe that has taken its place is neither
 * followed nor waited for, and no more than the limit is read however fast it grows.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { documentsErrors } from '../errors.ts'
import { reasonOf } from './reason-of.ts'

export interface FileLook {
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
  /** Equal for two looks at an unchanged file; empty when the file is so fresh that a change might not show in its time. */
  readonly stamp: string
}

/** A file that can be looked at before it is read; the one look and the reading are of the same open file. */
export interface OpenFile {
  readonly look: FileLook
  /** Rejects with DOCUMENTS_FILE_TOO_LARGE or DOCUMENTS_FILE_UNREADABLE. */
  read(maxBytes: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** File systems keep times in steps of up to two seconds. */
const coarsestTimeMs = 2_000

/**
 * Opens `realPath`; `path` is for messages and `now` is the time in milliseconds. Rejects with DOCUMENTS_FILE_UNREADABLE, whose `cause`
 * has the system's code.
 */
export async function openFile(realPath: string, path: string, now: number): Promise<OpenFile> {
  let handle: FileHandle | undefined
  try {
    handle = await open(realPath, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const stat = await handle.stat({ bigint: true })
    if (!stat.isFile())
      throw documentsErrors.DOCUMENTS_FILE_UNREADABLE({ path, reason: 'it is no regular file any more' })
    return fileOf(handle, path, {
      bytes: Number(stat.size),
      modifiedAt: Math.trunc(Number(stat.mtimeMs)),
      stamp: now - Number(stat.mtimeMs) > coarsestTimeMs ? `${stat.size}:${stat.mtimeNs}` : '',
    })
  } catch (cause) {
    await handle?.close()
    throw documentsErrors.DOCUMENTS_FILE_UNREADABLE({ path, reason: reasonOf(cause) }, { cause })
  }
}

function fileOf(handle: FileHandle, path: string, look: FileLook): OpenFile {
  return {
    look,
    async read(maxBytes) {
      if (look.bytes > maxBytes) throw documentsErrors.DOCUMENTS_FILE_TOO_LARGE({ path, limit: maxBytes })
      const bytes = await readAll(handle, look.bytes, maxBytes).catch((cause: unknown) => {
        throw documentsErrors.DOCUMENTS_FILE_UNREADABLE({ path, reason: reasonOf(cause) }, { cause })
      })
      if (bytes.length > maxBytes) throw documentsErrors.DOCUMENTS_FILE_TOO_LARGE({ path, limit: maxBytes })
      return bytes
    },
    close: () => handle.close(),
  }
}

/** Reads to the end, or one byte beyond the limit. */
async function readAll(handle: FileHandle, expected: number, maxBytes: number): Promise<Uint8Array> {
  let buffer = Buffer.alloc(expected + 1)
  let length = 0
  while (length <= maxBytes) {
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(buffer.length * 2, maxBytes + 1))
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}
