/** A document as it is about to be stored: identity, title and passages are derived here, the same for a file and for an upload. */
import { createHash } from 'node:crypto'
import type { DocumentType } from './formats/formats.ts'
import type { Passage } from './passages.ts'

export interface DocumentDraft {
  readonly id: string
  /** Absolute real path of the folder; empty for an upload. */
  readonly folder: string
  readonly path: string
  readonly title: string
  readonly type: DocumentType
  /** Size of the file or upload. */
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
  readonly stamp: string
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string
  /** Well-formed and without U+0000. */
  readonly text: string
  readonly passages: readonly Passage[]
}

/** What is read out of a file or upload. */
export type DocumentContent = Pick<DocumentDraft, 'title' | 'text' | 'passages'>

export function draftDocument(source: Omit<DocumentDraft, 'id'>): DocumentDraft {
  return { ...source, id: documentId(source.folder, source.path) }
}

/** The same file has the same id for ever. */
export function documentId(folder: string, path: string): string {
  return createHash('sha256').update(`${folder}\n${path}`).digest('hex').slice(0, 24)
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The id of a passage; `parseChunkId` is its inverse. */
export function chunkId(documentId: string, position: number): string {
  return `${documentId}-${position}`
}

export function parseChunkId(id: string): { documentId: string; position: number } {
  const dash = id.lastIndexOf('-')
  return { documentId: id.slice(0, dash), position: Number(id.slice(dash + 1)) }
}
