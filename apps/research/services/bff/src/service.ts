/** Serves the page and its progress. */
import { fileURLToPath } from 'node:url'
import { defineService, Listener } from '@keelson/services'
import { Documents } from '../../documents/src/contract.ts'
import { Bff } from './contract.ts'
import { servePage } from './domain/page.ts'

export const bff = defineService(Bff, {
  uses: { documents: Documents, listener: Listener },
  async start({ documents, listener }) {
    await servePage(listener, fileURLToPath(new URL('../../../web/dist/', import.meta.url)))
    return {
      progress: (_, call) => documents.overview(undefined, call),
    }
  },
})
