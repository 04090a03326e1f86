/** Reads small files that people write, and says in one phrase why one cannot be read. */
import { readFile, stat } from 'node:fs/promises'

export type TextFile =
  | { readonly text: string; readonly reason?: undefined }
  | { readonly reason: string; readonly isMissing: boolean }

/** The text of a UTF-8 file without its byte order mark. Never rejects; folders, devices and files over the limit are not opened. */
export async function readTextFile(path: string, bytesAtMost: number): Promise<TextFile> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return refused('it is a folder')
    if (!found.isFile()) return refused('it is no regular file')
    if (found.size > bytesAtMost) return refused(`it is over ${bytesAtMost} bytes`)
    const bytes = await readFile(path)
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return { reason: 'there is none', isMissing: true }
    if (code === 'EACCES' || code === 'EPERM') return refused('it may not be read')
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return refused('it is not UTF-8')
    return refused(typeof code === 'string' ? code : 'it cannot be opened')
  }
}

function refused(reason: string): TextFile {
  return { reason, isMissing: false }
}
