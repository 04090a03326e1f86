export { infrastructureErrors } from './errors.ts'
export {
  type ChatAnswer,
  type ChatEnd,
  type ChatMessage,
  ChatModel,
  type ChatPart,
  type ChatRequest,
  type ChatUsage,
} from './models/chat-model.ts'
export { requireChatRequest } from './models/chat-request.ts'
export { EmbeddingModel, hasDirection, normalise } from './models/embedding-model.ts'
export { createExtractiveChat } from './models/extractive-chat.ts'
export { fitLsaInWorker } from './models/fit-lsa-in-worker.ts'
export { type FusionOptions, fuse, type RankedHit } from './models/fusion.ts'
export { createHashEmbedding } from './models/hash-embedding.ts'
export { fitLsa, type LsaModel, type LsaOptions, openLsa } from './models/lsa-model.ts'
export { createScriptedChat, type ScriptedChat } from './models/scripted-chat.ts'
export type { SearchFilter } from './query.ts'
export { analyze, tokenize } from './search/analyzer.ts'
export type { TermMatch } from './search/asked-words.ts'
export { createSearchIndex, openSnapshot } from './search/bm25-index.ts'
export type { Comparison, DocumentFilter } from './search/document-filter.ts'
export type { ExactKind } from './search/exact-match.ts'
export type { Explanation, WordExplanation } from './search/explanation.ts'
export type { FacetValue } from './search/facet-counts.ts'
export { highlight, snippet } from './search/highlight.ts'
export { highlightHtml } from './search/highlight-html.ts'
export { createInMemorySearch } from './search/in-memory-search.ts'
export {
  type DocumentChange,
  type DocumentHit,
  type DocumentPage,
  type DocumentQuery,
  type Facet,
  type FacetRequest,
  type HighlightTags,
  Search,
  type SearchTask,
  type Suggestion,
  type Suggestions,
} from './search/search.ts'
export type {
  AttributeType,
  AttributeValue,
  FieldValue,
  IndexSettings,
  SearchDocument,
} from './search/search-document.ts'
export type {
  SearchEntry,
  SearchHit,
  SearchIndex,
  SearchQuery,
  SearchResult,
  TypoTolerance,
} from './search/search-index.ts'
export { compileSynonyms, type Synonym, type Synonyms } from './search/synonyms.ts'
export type { Token, TokenKind } from './search/token.ts'
export {
  createVectorIndex,
  openVectorSnapshot,
  type VectorIndexOptions,
  type VectorIndexTuning,
} from './vectors/create-vector-index.ts'
export { createExactVectorIndex } from './vectors/exact-vector-index.ts'
export { createInMemoryVectorStore } from './vectors/in-memory-vector-store.ts'
export type { IndexShape } from './vectors/index-shape.ts'
export {
  readFiltered,
  requireCollection,
  requireEntries,
  requireQuery,
  type StoredHit,
} from './vectors/vector-checks.ts'
export type { VectorEntry, VectorIndex, VectorQuery, VectorResult } from './vectors/vector-index.ts'
export { type StoreOptions, type VectorCollection, VectorStore } from './vectors/vector-store.ts'
