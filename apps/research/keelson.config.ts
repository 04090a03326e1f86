/** The research system: which services it is made of, on which adapters, and how `keelson start` looks for it. */
import { fileURLToPath } from 'node:url'
import { pglite } from '@keelson/pglite'
import { pino } from '@keelson/pino'
import { defineSystem } from '@keelson/services'
import { bff } from './services/bff/src/service.ts'
import { documents } from './services/documents/src/service.ts'
import { models } from './services/models/src/service.ts'

export default defineSystem({
  name: 'research',
  version: '0.1.0',
  services: [documents, models, bff],
  adapters: [pglite(), pino()],
  config: { pino: { to: 'data-folder' } },
  start: {
    config: { documents: { folder: fileURLToPath(new URL('../../docs', import.meta.url)), watch: true } },
    options: { docs: { sets: 'documents.folder', summary: 'folder of documents to index and search', isPath: true } },
    follow: { operation: 'documents.indexing', input: { id: 'latest' } },
  },
})
