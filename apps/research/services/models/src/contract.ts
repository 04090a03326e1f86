/** Models: what turns texts into vectors and questions into answers, by name, version and alias. All that other services may import. */
import { command, defineContract, query, subscription } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

const ModelName = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9._-]*$/i, 'letters, digits, dots, hyphens and underscores')
  .describe('Name of a model or alias')
const ModelVersion = z.string().min(1).max(100).describe('A registered model counts its versions from 1')

/** One version of one model: what a vector must know of its making. */
export const ModelRef = z.object({ model: ModelName, version: ModelVersion })
export type ModelRef = z.infer<typeof ModelRef>

const Version = z.object({
  version: ModelVersion,
  dimension: z.int().nullable().describe('Numbers in a vector; null for what does not embed'),
  createdAt: z.iso.datetime().nullable().describe('Null for a model of an endpoint'),
  tags: z.record(z.string(), z.string()),
})

const Model = z.object({
  name: ModelName,
  task: z.enum(['embed', 'chat']),
  source: z.enum(['registered', 'endpoint', 'built-in']).describe('Where it lives'),
  versions: z.array(Version).describe('The newest first'),
  aliases: z.array(z.object({ alias: ModelName, version: ModelVersion })),
})
export type Model = z.infer<typeof Model>

const Resolved = ModelRef.extend({
  task: z.enum(['embed', 'chat']),
  source: z.enum(['registered', 'endpoint', 'built-in']),
  dimension: z.int().nullable(),
  tags: z.record(z.string(), z.string()),
})
export type Resolved = z.infer<typeof Resolved>

const Message = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })
const ChatInput = z.object({
  model: ModelName.default('chat'),
  messages: z.array(Message).min(1),
  maxTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
})
const Usage = z.object({ prompt: z.int(), answer: z.int() }).describe('Tokens')
const Stopped = z.enum(['done', 'length', 'filtered'])

export const Models = defineContract(
  'models',
  '1.0.0',
  {
    list: query(
      { summary: 'All models with their versions and aliases', output: z.object({ models: z.array(Model) }) },
      http('GET /v1/registry/models'),
    ),
    resolve: query({
      summary: 'The model and version behind a name or alias',
      input: z.object({ name: ModelName, version: ModelVersion.optional() }),
      output: Resolved,
    }),
    embed: query({
      summary: 'Vectors of texts, of length 1, or all zeros where the model knows nothing of a text',
      input: z.object({
        model: ModelName.default('embeddings').describe('Name or alias'),
        version: ModelVersion.optional(),
        texts: z.array(z.string()).max(2_048),
      }),
      output: ModelRef.extend({ dimension: z.int(), vectors: z.array(z.array(z.number())) }),
    }),
    unknownShare: query({
      summary:
        'How much of what texts say a registered model does not know: when it is well above what is expected, fit anew',
      input: z.object({ model: ModelName, version: ModelVersion.optional(), texts: z.array(z.string()).max(2_048) }),
      output: z.object({
        share: z.number().describe('0 to 1'),
        expected: z.number().describe('What it is for texts like those the model was fitted on'),
      }),
    }),
    complete: query({
      summary: 'An answer to a conversation',
      input: ChatInput,
      output: z.object({ model: ModelName, text: z.string(), stopped: Stopped, usage: Usage.nullable() }),
    }),
    chat: subscription({
      summary: 'An answer to a conversation as it is written; the last part says why it ends',
      input: ChatInput,
      output: z.discriminatedUnion('type', [
        z.object({ type: z.literal('text'), text: z.string() }),
        z.object({ type: z.literal('end'), stopped: Stopped, usage: Usage.nullable() }),
      ]),
    }),
    register: command({
      summary: 'Keep a fitted model as the next version of its name; old versions that no alias names are dropped',
      input: z.object({
        name: ModelName,
        format: z.literal('lsa'),
        bytes: z.string().min(1).describe('What its toBytes wrote, in base64'),
        tags: z.record(z.string(), z.string()).default({}),
      }),
      output: ModelRef.extend({ dimension: z.int() }),
    }),
    setAlias: command(
      {
        summary: 'Point an alias at a version of a model',
        input: z.object({ alias: ModelName, model: ModelName, version: ModelVersion }),
      },
      http('PUT /v1/registry/aliases/{alias}'),
    ),
    removeAlias: command(
      { summary: 'Take an alias away', input: z.object({ alias: ModelName }) },
      http('DELETE /v1/registry/aliases/{alias}'),
    ),
    changes: subscription({
      summary: 'Counts up with every change of models and aliases: at once, then as they come',
      output: z.object({ revision: z.int() }),
    }),
  },
  {
    events: {
      ModelRegistered: ModelRef,
      AliasMoved: z.object({ alias: ModelName, model: ModelName, version: ModelVersion }),
    },
  },
)
