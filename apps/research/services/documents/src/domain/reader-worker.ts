/** Reads files in a thread of its own. Started by `FileReaders` only. */
import { parentPort } from 'node:worker_threads'
import { type ErrorDetails, isError, reasonOf } from '@keelson/kernel'
import { contentOf } from './content.ts'
import type { DocumentContent } from './document-draft.ts'

export interface ReaderRequest {
  readonly path: string
  readonly bytes: Uint8Array
}

export type ReaderAnswer =
  | { readonly content: DocumentContent }
  | { readonly refused: { readonly code: string; readonly details: ErrorDetails } }
  | { readonly broken: string }

parentPort?.on(
  'message',
  ({ path, bytes }: ReaderRequest) => void read(path, bytes).then((answer) => parentPort?.postMessage(answer)),
)

async function read(path: string, bytes: Uint8Array): Promise<ReaderAnswer> {
  try {
    return { content: await contentOf(bytes, path) }
  } catch (error) {
    if (isError(error)) return { refused: { code: error.code, details: error.details } }
    return { broken: reasonOf(error) }
  }
}
