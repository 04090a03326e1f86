/**
 * The models of the system under their names: those registered here, those of an endpoint, and the built-in writer. A name or alias is
 * resolved to one version of one model, which is opened once and kept.
 */

import {
  type ChatModel,
  createExtractiveChat,
  type EmbeddingModel,
  type LsaModel,
  openLsa,
} from '@keelson/infrastructure'
import type { Optional } from '@keelson/kernel'
import type { Model, Resolved } from '../contract.ts'
import { modelsErrors } from '../errors.ts'
import type { Alias, ModelStore, StoredVersion } from './model-store.ts'

/** Versions that stay when a new one is registered, so that whoever still uses an older one can finish. */
const versionsKept = 3
/** Opened models held in memory; one is some 15 to 100 MB. */
const opened = 2

/** Names that always mean something: what embeds and what chats unless an alias says otherwise. */
const defaultNames = { embeddings: 'embed', chat: 'chat' } as const

export interface ModelHostPlatform {
  readonly store: ModelStore
  readonly embedding: Optional<EmbeddingModel>
  readonly chat: Optional<ChatModel>
  /** Told after every change of models or aliases. */
  readonly changed: () => void
}

export class ModelHost {
  readonly #platform: ModelHostPlatform
  readonly #writer = createExtractiveChat()
  /** By name and version, the one used last at the end. */
  readonly #open = new Map<string, Promise<LsaModel>>()

  constructor(platform: ModelHostPlatform) {
    this.#platform = platform
  }

  async list(): Promise<Model[]> {
    const { store } = this.#platform
    const [versions, aliases] = await Promise.all([store.versions(), store.aliases()])
    const aliasesOf = (name: string) =>
      aliases.filter((one) => one.name === name).map(({ alias, version }) => ({ alias, version }))
    const registered = [...Map.groupBy(versions, ({ name }) => name)].map(
      ([name, own]): Model => ({
        name,
        task: 'embed',
        source: 'registered',
        versions: own.map(({ version, dimension, createdAt, tags }) => ({
          version,
          dimension,
          createdAt: createdAt.toISOString(),
          tags,
        })),
        aliases: aliasesOf(name),
      }),
    )
    const others = this.#others().map(
      ({ model, version, task, source, dimension }): Model => ({
        name: model,
        task,
        source,
        versions: [{ version, dimension, createdAt: null, tags: {} }],
        aliases: aliasesOf(model),
      }),
    )
    return [...registered, ...others]
  }

  /** Rejects with MODELS_UNKNOWN. */
  async resolve(name: string, version?: string): Promise<Resolved> {
    const { store } = this.#platform
    const [versions, aliases] = await Promise.all([store.versions(), store.aliases()])
    const known = [...versions.map(registeredOf), ...this.#others()]
    const alias = version === undefined ? aliases.find((one) => one.alias === name) : undefined
    const found = alias ? find(known, alias.name, alias.version) : find(known, name, version)
    const fallback = version === undefined ? this.#default(name, known, versions) : undefined
    const resolved = found ?? fallback
    if (resolved) return resolved
    const names = [...known.map((one) => one.model), ...aliases.map((one) => one.alias)]
    throw modelsErrors.MODELS_UNKNOWN({
      name,
      ...(version !== undefined && { version }),
      known: [...new Set(names)],
    })
  }

  /** Rejects with MODELS_UNKNOWN, MODELS_TASK_WRONG, or what the model rejects with. */
  async embedding(name: string, version?: string): Promise<{ resolved: Resolved; model: EmbeddingModel }> {
    const resolved = await this.#for('embed', name, version)
    const endpoint = this.#platform.embedding.current
    const model = resolved.source === 'endpoint' ? endpoint : await this.#opened(resolved)
    if (!model) throw modelsErrors.MODELS_UNKNOWN({ name, known: [] })
    return { resolved, model }
  }

  /** Rejects with MODELS_UNKNOWN, also for a model of an endpoint: what that knows cannot be asked. */
  async registered(name: string, version?: string): Promise<LsaModel> {
    const resolved = await this.resolve(name, version)
    if (resolved.source === 'registered') return this.#opened(resolved)
    const versions = await this.#platform.store.versions()
    throw modelsErrors.MODELS_UNKNOWN({ name, known: [...new Set(versions.map((one) => one.name))] })
  }

  /** Rejects with MODELS_UNKNOWN or MODELS_TASK_WRONG. */
  async chat(name: string): Promise<{ resolved: Resolved; model: ChatModel }> {
    const resolved = await this.#for('chat', name)
    const endpoint = this.#platform.chat.current
    return { resolved, model: resolved.source === 'endpoint' && endpoint ? endpoint : this.#writer }
  }

  /** Rejects with MODEL_BYTES_INVALID or MODELS_NAME_TAKEN. */
  async register(
    name: string,
    bytes: Uint8Array,
    tags: Readonly<Record<string, string>>,
  ): Promise<{ model: string; version: string; dimension: number }> {
    const { store, changed } = this.#platform
    const model = openLsa(bytes)
    await this.#requireFree(name)
    const { dimension } = model
    const version = await store.add({ name, dimension, tags, bytes }, versionsKept)
    changed()
    return { model: name, version, dimension }
  }

  /** Rejects with MODELS_UNKNOWN or MODELS_NAME_TAKEN. */
  async setAlias({ alias, name, version }: Alias): Promise<void> {
    const { store, changed } = this.#platform
    const known = [...(await store.versions()).map(registeredOf), ...this.#others()]
    if (known.some(({ model }) => model === alias))
      throw modelsErrors.MODELS_NAME_TAKEN({ name: alias, reason: 'a model has it' })
    const target = find(known, name, version)
    if (!target) throw modelsErrors.MODELS_UNKNOWN({ name, version, known: known.map(({ model }) => model) })
    const wanted = Object.hasOwn(defaultNames, alias) ? defaultNames[alias as keyof typeof defaultNames] : target.task
    if (target.task !== wanted) throw modelsErrors.MODELS_TASK_WRONG({ name, task: target.task, wanted })
    await store.setAlias({ alias, name, version })
    changed()
  }

  /** Rejects with MODELS_UNKNOWN. */
  async removeAlias(alias: string): Promise<void> {
    const { store, changed } = this.#platform
    if (!(await store.removeAlias(alias))) {
      const known = (await store.aliases()).map((one) => one.alias)
      throw modelsErrors.MODELS_UNKNOWN({ name: alias, known })
    }
    changed()
  }

  async #for(wanted: Resolved['task'], name: string, version?: string): Promise<Resolved> {
    const resolved = await this.resolve(name, version)
    if (resolved.task !== wanted) throw modelsErrors.MODELS_TASK_WRONG({ name, task: resolved.task, wanted })
    return resolved
  }

  /** What an endpoint has, and the built-in writer. */
  #others(): Resolved[] {
    const { embedding, chat } = this.#platform
    const others: Resolved[] = []
    const { current } = embedding
    if (current) {
      const { name: model, version, dimension } = current
      others.push({ model, version, dimension, task: 'embed', source: 'endpoint', tags: {} })
    }
    if (chat.current)
      others.push({
        model: chat.current.name,
        version: '1',
        dimension: null,
        task: 'chat',
        source: 'endpoint',
        tags: {},
      })
    others.push({ model: this.#writer.name, version: '1', dimension: null, task: 'chat', source: 'built-in', tags: {} })
    return others
  }

  /** An endpoint's model where there is one; else the version registered last. */
  #default(name: string, known: readonly Resolved[], versions: readonly StoredVersion[]): Resolved | undefined {
    if (!Object.hasOwn(defaultNames, name)) return undefined
    const task = defaultNames[name as keyof typeof defaultNames]
    const able = known.filter((one) => one.task === task)
    const [newest] = versions.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
    return (
      able.find((one) => one.source === 'endpoint') ??
      able.find((one) => one.model === newest?.name && one.version === newest.version) ??
      able.find((one) => one.source === 'built-in')
    )
  }

  async #requireFree(name: string): Promise<void> {
    if ((await this.#platform.store.aliases()).some(({ alias }) => alias === name) || Object.hasOwn(defaultNames, name))
      throw modelsErrors.MODELS_NAME_TAKEN({ name, reason: 'it is an alias' })
    if (this.#others().some(({ model }) => model === name))
      throw modelsErrors.MODELS_NAME_TAKEN({ name, reason: 'a model that is not registered here has it' })
  }

  #opened({ model, version }: Resolved): Promise<LsaModel> {
    const key = `${model}@${version}`
    const opening = this.#open.get(key) ?? this.#read(model, version)
    this.#open.delete(key)
    this.#open.set(key, opening)
    opening.catch(() => this.#open.delete(key))
    for (const old of [...this.#open.keys()].slice(0, -opened)) this.#open.delete(old)
    return opening
  }

  async #read(name: string, version: string): Promise<LsaModel> {
    const bytes = await this.#platform.store.bytes(name, version)
    if (!bytes) throw modelsErrors.MODELS_UNKNOWN({ name, version, known: [] })
    return openLsa(bytes)
  }
}

function registeredOf({ name, version, dimension, tags }: StoredVersion): Resolved {
  return { model: name, version, dimension, task: 'embed', source: 'registered', tags }
}

/** Without a version the newest, which stands first. */
function find(known: readonly Resolved[], name: string, version: string | undefined): Resolved | undefined {
  return known.find((one) => one.model === name && (version === undefined || one.version === version))
}
