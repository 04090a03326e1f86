/** The research system: which services it is made of, on which adapters, and how `keelson start` looks for it. */
import { fileURLToPath } from 'node:url'
import type { Adapter } from '@keelson/kernel'
import { openai } from '@keelson/openai'
import { pglite } from '@keelson/pglite'
import { pino } from '@keelson/pino'
import { defineSystem, type SectionValues } from '@keelson/services'
import { bff } from './services/bff/src/service.ts'
import { documents } from './services/documents/src/service.ts'
import { models } from './services/models/src/service.ts'

const endpoint = modelEndpoint(process.env)
/** The PostgreSQL that DATABASE_URL names, loaded only then; PGlite in the data folder otherwise. */
const server = process.env['DATABASE_URL'] ? (await import('@keelson/postgres')).postgresFrom(process.env) : undefined

export default defineSystem({
  name: 'research',
  version: '0.1.0',
  services: [documents, models, bff],
  adapters: [server?.adapter ?? pglite(), pino(), ...endpoint.adapters],
  config: { pino: { to: 'data-folder' }, ...server?.config, ...endpoint.config },
  start: {
    config: { documents: { folder: fileURLToPath(new URL('../../docs', import.meta.url)), watch: true } },
    options: { docs: { sets: 'documents.folder', summary: 'folder of documents to index and search', isPath: true } },
    follow: { operation: 'documents.indexing', input: { id: 'latest' } },
  },
})

interface ModelEndpoint {
  readonly adapters: readonly Adapter[]
  readonly config: SectionValues
}

/**
 * An endpoint is used when `OPENAI_EMBEDDING_MODEL` or `OPENAI_CHAT_MODEL` names a model at it; `OPENAI_BASE_URL` and `OPENAI_API_KEY` are
 * as every client of it knows them. Everything else is set in the section `openai` of the configuration. Without any of it, models are
 * fitted on the documents themselves, and nothing leaves the machine.
 */
export function modelEndpoint(environment: Readonly<Record<string, string | undefined>>): ModelEndpoint {
  const { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: apiKey } = environment
  const { OPENAI_EMBEDDING_MODEL: embeddingModel, OPENAI_CHAT_MODEL: chatModel } = environment
  if (!embeddingModel && !chatModel) return { adapters: [], config: {} }
  const [embedding, chat] = openai()
  const given = {
    ...(baseUrl && { baseUrl }),
    ...(apiKey && { apiKey }),
    ...(embeddingModel && { embeddingModel }),
    ...(chatModel && { chatModel }),
  }
  return { adapters: [...(embeddingModel ? [embedding] : []), ...(chatModel ? [chat] : [])], config: { openai: given } }
}
