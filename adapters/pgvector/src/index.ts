export { createPgvectorStore } from './pgvector-store.ts'
