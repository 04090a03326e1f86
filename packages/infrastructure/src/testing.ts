export { type ChatModelCase, chatModelConformance } from './models/chat-model.conformance.ts'
export {
  type EmbeddingModelCase,
  embeddingModelConformance,
  embeddingTexts,
} from './models/embedding-model.conformance.ts'
export { type SearchCase, searchConformance } from './search/search.conformance.ts'
export { type SearchIndexCase, searchIndexConformance } from './search/search-index.conformance.ts'
export { type VectorIndexCase, vectorIndexConformance } from './vectors/vector-index.conformance.ts'
export { type VectorStoreCase, vectorStoreConformance } from './vectors/vector-store.conformance.ts'
