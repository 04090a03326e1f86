/**
 * The REST API as the page uses it. The shapes are those of the documents contract, imported as types only, so that the page cannot
 * drift from the service and bundles nothing of it.
 */
import type { Document, Facets, Hit, Indexing, Overview } from '../../services/documents/src/contract.ts'

export type { Document, Facets, Hit, Indexing, Overview }

export interface SearchAnswer {
  readonly hits: readonly Hit[]
  /** All matching passages, not only those in `hits`. */
  readonly total: number
  /** How many `hits` there are in all: neighbouring passages are one. */
  readonly totalHits: number
  readonly facets?: Facets | undefined
  readonly tookMs: number
}

export interface DocumentPage {
  readonly documents: readonly Document[]
  readonly total: number
}

export interface OpenDocument extends Document {
  readonly text: string
  /** [start, end) in UTF-16 units of `text`. */
  readonly passages: readonly { readonly chunkId: string; readonly start: number; readonly end: number }[]
}

/** A request that failed, in the words of the server where it answered (RFC 9457), else in ours. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed'
  readonly title: string
  /** The stable code of the error; empty when the server did not give one. */
  readonly code: string
  readonly correlationId: string

  constructor(problem: { title: string; detail: string; code?: string; correlationId?: string }) {
    super(problem.detail)
    this.title = problem.title
    this.code = problem.code ?? ''
    this.correlationId = problem.correlationId ?? ''
  }
}

export interface SearchTerms {
  readonly query: string
  readonly type: string
  readonly path: string
  /** `week`, `month`, `year`, or empty. */
  readonly since: string
}

const dayMs = 24 * 60 * 60 * 1_000
const agesMs: Readonly<Record<string, number>> = { week: 7 * dayMs, month: 31 * dayMs, year: 366 * dayMs }

export function searchPassages(terms: SearchTerms, limit: number, signal: AbortSignal): Promise<SearchAnswer> {
  const parameters = new URLSearchParams({ query: terms.query, limit: String(limit), prefix: 'true', facets: 'true' })
  if (terms.type) parameters.set('type', terms.type)
  if (terms.path) parameters.set('path', terms.path)
  const ageMs = agesMs[terms.since]
  if (ageMs !== undefined) parameters.set('changedSince', new Date(Date.now() - ageMs).toISOString())
  return read<SearchAnswer>(`/v1/documents/search?${parameters}`, { signal })
}

export function listDocuments(limit: number, signal: AbortSignal): Promise<DocumentPage> {
  return read<DocumentPage>(`/v1/documents?limit=${limit}`, { signal })
}

export function readDocument(id: string, signal: AbortSignal): Promise<OpenDocument> {
  return read<OpenDocument>(`/v1/documents/${encodeURIComponent(id)}`, { signal })
}

export async function removeDocument(id: string): Promise<void> {
  await request(`/v1/documents/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

/** Sends a file as it is: whether its bytes are text is for the server to say. A file of the same name is replaced. */
export function uploadDocument(file: File): Promise<Document> {
  const type = /\.(md|markdown)$/i.test(file.name) ? 'text/markdown' : 'text/plain'
  return read<Document>(`/v1/documents?path=${encodeURIComponent(file.name)}`, {
    method: 'POST',
    body: file,
    headers: { 'content-type': type },
  })
}

async function read<T>(path: string, init: RequestInit): Promise<T> {
  const response = await request(path, init)
  // The server strips and checks its answers by the contract these types come from.
  return (await response.json()) as T
}

/** Rejects with RequestFailed, or with the signal's reason when it was aborted. */
async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (cause) {
    if (init.signal?.aborted) throw cause
    throw new RequestFailed({
      title: 'Keelson cannot be reached',
      detail: 'The server does not answer. It may have been stopped, or the connection was lost.',
    })
  }
  if (response.ok) return response
  throw new RequestFailed(problemOf(response, await response.json().catch(() => undefined)))
}

function problemOf(
  response: Response,
  body: unknown,
): { title: string; detail: string; code: string; correlationId: string } {
  const field = (name: string): string => {
    const value = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
    return typeof value === 'string' ? value : ''
  }
  return {
    title: field('title') || 'The request failed',
    detail: field('detail') || `The server answered ${response.status} ${response.statusText}`.trim(),
    code: field('code'),
    correlationId: field('correlationId'),
  }
}
