/** `openai()` gives a system its embedding and chat models from one endpoint, with one key and one budget for both. */
import { ChatModel, EmbeddingModel, infrastructureErrors } from '@keelson/infrastructure'
import { type Adapter, type AdapterPlatform, defineAdapter, Secret } from '@keelson/kernel'
import * as z from 'zod'
import { createOpenaiChat } from './openai-chat.ts'
import { connectOpenaiEmbedding } from './openai-embedding.ts'
import { OpenaiEndpoint } from './openai-endpoint.ts'

const OpenaiConfig = z.object({
  baseUrl: z
    .url()
    .default('https://api.openai.com/v1')
    .describe('what stands before /embeddings and /chat/completions'),
  apiKey: z.string().min(1).meta(Secret.meta).transform(Secret.of).optional(),
  embeddingModel: z.string().min(1).optional().describe('needed where something embeds'),
  embeddingVersion: z
    .string()
    .min(1)
    .default('1')
    .describe('raised when the endpoint changes the model under its name'),
  embeddingDimension: z.int().positive().optional().describe('asked of the endpoint at start when left out'),
  chatModel: z.string().min(1).optional().describe('needed where something chats'),
  timeoutMs: z.int().positive().default(60_000),
  retries: z.int().nonnegative().max(10).default(4),
  tokenBudget: z.int().positive().optional().describe('tokens this process may use; no limit when left out'),
})
type OpenaiConfig = z.output<typeof OpenaiConfig>

/**
 * Two adapters, `[EmbeddingModel, ChatModel]`, with one section `openai` in the configuration. Each is started only when it is used; one
 * whose model is not configured fails to start with MODEL_OPTIONS_INVALID.
 *
 * @example
 * defineSystem({ name: 'research', services: [models], adapters: [...openai(), pglite()] })
 */
export function openai(): readonly [Adapter<EmbeddingModel>, Adapter<ChatModel>] {
  let shared: OpenaiEndpoint | undefined
  const endpointOf = ({ config, clock }: AdapterPlatform<OpenaiConfig>) => {
    shared ??= new OpenaiEndpoint({ ...config, clock })
    return shared
  }
  return [
    defineAdapter({
      name: 'openai',
      provides: EmbeddingModel,
      config: OpenaiConfig,
      start: (given) =>
        connectOpenaiEmbedding({
          endpoint: endpointOf(given),
          model: required('embeddingModel', given.config),
          version: given.config.embeddingVersion,
          dimension: given.config.embeddingDimension,
        }),
    }),
    defineAdapter({
      name: 'openai',
      provides: ChatModel,
      config: OpenaiConfig,
      start: (given) => createOpenaiChat({ endpoint: endpointOf(given), model: required('chatModel', given.config) }),
    }),
  ]
}

function required(field: 'embeddingModel' | 'chatModel', config: OpenaiConfig): string {
  const model = config[field]
  if (model === undefined) throw infrastructureErrors.MODEL_OPTIONS_INVALID({ reason: `openai.${field} is not set` })
  return model
}
