export { openai } from './openai-adapter.ts'
export { createOpenaiChat, type OpenaiChatOptions } from './openai-chat.ts'
export { connectOpenaiEmbedding, type OpenaiEmbeddingOptions } from './openai-embedding.ts'
export { OpenaiEndpoint, type OpenaiEndpointOptions } from './openai-endpoint.ts'
