/** Every code the documents service can raise. A skipped file is reported with the code and message it would have been refused with. */
import { defineErrors } from '@keelson/kernel'

export const documentsErrors = defineErrors({
  DOCUMENTS_NOT_FOUND: {
    kind: 'not-found',
    when: 'No document has this id, or it was deleted, or its file is gone.',
    message: (d: { id: string }) => `Cannot find the document "${d.id}": no document has this id`,
  },
  DOCUMENTS_PATH_INVALID: {
    kind: 'invalid',
    when: 'The path of an upload is absolute, leads upwards, or has backslashes, control characters or empty segments.',
    message: (d: { path: string; reason: string }) =>
      `Cannot store a document as ${JSON.stringify(d.path)}: ${d.reason}`,
  },
  DOCUMENTS_FILE_UNSUPPORTED: {
    kind: 'unsupported',
    when: 'The name of a file says that its format is none of those that are read, or it is no regular file.',
    message: (d: { path: string; reason: string }) => `Cannot index "${d.path}": ${d.reason}`,
  },
  DOCUMENTS_FILE_EMPTY: {
    kind: 'invalid',
    when: 'A file or upload holds no text at all.',
    message: (d: { path: string }) => `Cannot index "${d.path}": it holds no text`,
  },
  DOCUMENTS_FILE_SCANNED: {
    kind: 'unsupported',
    when: 'The pages of a PDF are pictures, as of a scanner, without any text beside them.',
    message: (d: { path: string; pages: number }) =>
      `Cannot index "${d.path}": its ${d.pages} pages are pictures without text. Run a text recognition over it first`,
  },
  DOCUMENTS_FILE_TOO_LARGE: {
    kind: 'too-large',
    when: 'A file or upload is larger than documents.maxBytes.',
    message: (d: { path: string; limit: number }) =>
      `Cannot index "${d.path}": it is larger than ${d.limit} bytes (documents.maxBytes)`,
  },
  DOCUMENTS_FILE_BINARY: {
    kind: 'unsupported',
    when: 'A file or upload with the extension of a text holds NUL bytes.',
    message: (d: { path: string }) =>
      `Cannot index "${d.path}": it holds NUL bytes, so it is binary, or UTF-16 without a byte order mark`,
  },
  DOCUMENTS_FILE_ENCODING: {
    kind: 'unsupported',
    when: 'The encoding of a text cannot be told with enough certainty, or is named and cannot be read.',
    message: (d: { path: string; encoding?: string }) =>
      d.encoding === undefined
        ? `Cannot index "${d.path}": its encoding cannot be told. Save it as UTF-8`
        : `Cannot index "${d.path}": it cannot be read as "${d.encoding}", the encoding that it names. Save it as UTF-8`,
  },
  DOCUMENTS_FILE_LOCKED: {
    kind: 'unsupported',
    when: 'A document asks for a password, or is of the format that Office had before 2007 under a newer name.',
    message: (d: { path: string }) => `Cannot index "${d.path}": it is protected by a password`,
  },
  DOCUMENTS_FILE_DAMAGED: {
    kind: 'invalid',
    when: 'A file is not what its extension says, is cut short, or is nested more deeply than any real document.',
    message: (d: { path: string; reason: string }) => `Cannot index "${d.path}": ${d.reason}`,
  },
  DOCUMENTS_FILE_BOMB: {
    kind: 'too-large',
    when: 'The parts of a packed document unpack to more than is read of any.',
    message: (d: { path: string; limit: number }) =>
      `Cannot index "${d.path}": it unpacks to more than ${d.limit} bytes`,
  },
  DOCUMENTS_FILE_SLOW: {
    kind: 'unavailable',
    when: 'Reading a file takes longer than any file may.',
    message: (d: { path: string; limitMs: number }) => `Cannot index "${d.path}": reading it took over ${d.limitMs} ms`,
  },
  DOCUMENTS_FILE_BREAKS_READER: {
    kind: 'unavailable',
    when: 'The thread that reads a file ends on it, for want of memory for instance. Other files are read all the same.',
    message: (d: { path: string; reason: string }) => `Cannot index "${d.path}": its reader failed: ${d.reason}`,
  },
  DOCUMENTS_FILE_UNREADABLE: {
    kind: 'unavailable',
    when: 'A file, a link or a folder inside an indexed folder cannot be read. What was indexed of it before is kept.',
    message: (d: { path: string; reason: string }) => `Cannot read "${d.path}": ${d.reason}`,
  },
  DOCUMENTS_FILE_NAME: {
    kind: 'invalid',
    when: 'The name of a file or folder is not valid UTF-8 or holds control characters such as a newline.',
    message: (d: { path: string; reason: string }) => `Cannot index "${d.path}": its name ${d.reason}`,
  },
  DOCUMENTS_LINK_OUTSIDE: {
    kind: 'forbidden',
    when: 'A symbolic link leads out of the indexed folder.',
    message: (d: { path: string }) => `Cannot follow the link "${d.path}": it leads out of the indexed folder`,
  },
  DOCUMENTS_FOLDER_INVALID: {
    kind: 'invalid',
    when: 'The name of a folder to index is not an absolute path.',
    message: (d: { folder: string }) =>
      `Cannot index the folder ${JSON.stringify(d.folder)}: it is not an absolute path`,
  },
  DOCUMENTS_FOLDER_MISSING: {
    kind: 'not-found',
    when: 'A folder to index does not exist.',
    message: (d: { folder: string }) => `Cannot index the folder "${d.folder}": it does not exist`,
  },
  DOCUMENTS_FOLDER_UNREADABLE: {
    kind: 'invalid',
    when: 'What was named as a folder to index is no folder, or may not be read.',
    message: (d: { folder: string; reason: string }) => `Cannot index the folder "${d.folder}": ${d.reason}`,
  },
  DOCUMENTS_FOLDER_NOT_ALLOWED: {
    kind: 'forbidden',
    when: 'A folder to index lies, links resolved, outside every allowed root.',
    message: (d: { folder: string }) =>
      `Cannot index the folder "${d.folder}": it is outside the allowed roots. Add it or a folder above it to the configuration documents.roots`,
  },
  DOCUMENTS_RUN_UNKNOWN: {
    kind: 'not-found',
    when: 'No indexing run has this id; runs are known until the service ends, the latest hundred of them.',
    message: (d: { id: string }) => `Cannot follow the indexing run "${d.id}": no such run is known`,
  },
})
