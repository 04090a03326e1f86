export { qdrant } from './qdrant-adapter.ts'
export { createQdrantStore, type QdrantOptions } from './qdrant-store.ts'
