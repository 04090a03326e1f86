/** The models service: a table of contents. Names, versions and aliases are in the database; models are opened from there or reached. */
import { ChatModel, EmbeddingModel } from '@keelson/infrastructure'
import { Database, optional } from '@keelson/kernel'
import { defineService, Listener } from '@keelson/services'
import { Models } from './contract.ts'
import { Changes } from './domain/changes.ts'
import { addInferenceRoutes } from './domain/inference-routes.ts'
import { ModelHost } from './domain/model-host.ts'
import { openModelStore } from './domain/model-store.ts'
import { addOpenaiRoutes } from './domain/openai-routes.ts'

export const models = defineService(Models, {
  uses: {
    database: Database,
    embedding: optional(EmbeddingModel),
    chat: optional(ChatModel),
    listener: optional(Listener),
  },
  async start({ database, embedding, chat, listener, clock, lifetime, system }) {
    const store = await openModelStore(database, () => clock.now())
    const changes = new Changes()
    const host = new ModelHost({ store, embedding, chat, changed: () => changes.advance() })
    if (listener.current) {
      addOpenaiRoutes(
        listener.current,
        host,
        () => clock.now(),
        () => crypto.randomUUID(),
      )
      addInferenceRoutes(listener.current, host, { name: system.name, version: Models.version })
    }

    return {
      list: async () => ({ models: await host.list() }),
      resolve: ({ name, version }) => host.resolve(name, version),
      async embed({ model: name, version, texts }, call) {
        const { resolved, model } = await host.embedding(name, version)
        const vectors = await model.embed(texts, { signal: call.signal })
        const { model: made, version: by } = resolved
        return { model: made, version: by, dimension: model.dimension, vectors: vectors.map((vector) => [...vector]) }
      },
      async unknownShare({ model: name, version, texts }) {
        const model = await host.registered(name, version)
        return { share: model.unknownShare(texts), expected: model.expectedUnknownShare }
      },
      async complete({ model: name, ...request }, call) {
        const { resolved, model } = await host.chat(name)
        const { text, stopped, usage } = await model.complete({ ...request, signal: call.signal })
        return { model: resolved.model, text, stopped, usage: usage ?? null }
      },
      async *chat({ model: name, ...request }, call) {
        const { model } = await host.chat(name)
        for await (const part of model.stream({ ...request, signal: call.signal }))
          yield part.type === 'text' ? part : { type: part.type, stopped: part.stopped, usage: part.usage ?? null }
      },
      register: ({ name, bytes, tags }) => host.register(name, new Uint8Array(Buffer.from(bytes, 'base64')), tags),
      setAlias: ({ alias, model, version }) => host.setAlias({ alias, name: model, version }),
      removeAlias: ({ alias }) => host.removeAlias(alias),
      changes: (_, call) => changes.follow(AbortSignal.any([call.signal, lifetime.signal])),
    }
  },
})
