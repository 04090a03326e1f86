/** `qdrant()` gives a system its vector store on a Qdrant server. */
import { VectorStore } from '@keelson/infrastructure'
import { type Adapter, defineAdapter, Secret } from '@keelson/kernel'
import * as z from 'zod'
import { createQdrantStore } from './qdrant-store.ts'

const QdrantConfig = z.object({
  url: z.url().default('http://127.0.0.1:6333'),
  apiKey: z.string().min(1).meta(Secret.meta).transform(Secret.of).optional(),
  timeoutMs: z.int().positive().default(30_000),
  retries: z.int().nonnegative().max(10).default(4),
})

/**
 * @example
 * defineSystem({ name: 'research', services: [documents], adapters: [qdrant()] })
 */
export function qdrant(): Adapter<VectorStore> {
  return defineAdapter({
    name: 'qdrant',
    provides: VectorStore,
    config: QdrantConfig,
    start: ({ config, clock }) => createQdrantStore({ ...config, clock }),
  })
}
