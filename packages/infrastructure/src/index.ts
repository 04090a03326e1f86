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
export { createSearchIndex, openSnapshot } from './search/bm25-index.ts'
export type { Token, TokenKind } from './search/chain-tokens.ts'
export type { Explanation, WordExplanation } from './search/explain.ts'
export { highlight, snippet } from './search/highlight.ts'
export type { SearchEntry, SearchHit, SearchIndex, SearchQuery, SearchResult } from './search/search-index.ts'
export {
  createVectorIndex,
  openVectorSnapshot,
  type VectorIndexOptions,
  type VectorIndexTuning,
} from './vectors/create-vector-index.ts'
export { createExactVectorIndex } from './vectors/exact-vector-index.ts'
export type { IndexShape } from './vectors/index-shape.ts'
export type { VectorEntry, VectorIndex, VectorQuery, VectorResult } from './vectors/vector-index.ts'
