/**
 * The live configuration of a system: schema defaults < code < file < environment variables < overrides < updates, with a file's and the
 * code's `environments` over the rest of each. Every change makes a whole new configuration from all layers; it takes the place of the old
 * one in a single assignment, or not at all.
 */
import { type Clock, systemClock } from '../clock.ts'
import { kernelErrors } from '../errors.ts'
import { isError, type KeelsonError } from '../keelson-error.ts'
import { reasonOf } from '../reason-of.ts'
import { isPlainObject } from '../schema/json-value.ts'
import type { Parsed } from '../schema/schema.ts'
import { type ConfigChange, changesBetween } from './config-changes.ts'
import { type ConfigFile, type ConfigFileContent, readConfigFile } from './config-file.ts'
import { type ConfigLayer, type ConfigSections, originOf, sectionSchema, snapshot } from './config-layer.ts'
import { type Environment, environmentLayers, environmentOf } from './environment.ts'
import { type ConfigVariables, environmentLayer } from './environment-layer.ts'
import { settleMs, watchFile } from './file-watch.ts'
import { pathsLayer } from './paths-layer.ts'
import { withoutSecrets } from './redact.ts'
import { type ResolvedConfig, resolveConfig } from './resolve-config.ts'

export interface ConfigurationOptions<Sections extends ConfigSections = ConfigSections> {
  readonly sections: Sections
  /** Values of the code, by section, and under `environments` those of one environment only. */
  readonly base?: ConfigLayer
  /** The JSON file, of the same form as `base`. */
  readonly file?: ConfigFile | undefined
  /** Usually `process.env`. */
  readonly variables?: ConfigVariables
  /** Single values by dotted path, over the variables. Text takes the schema's type. */
  readonly overrides?: Readonly<Record<string, unknown>>
  readonly clock?: Clock
  /** Told of a change that could not be made (CONFIG_INVALID, CONFIG_UNREADABLE), once for each, and of watchers that fail. */
  readonly onProblem?: (problem: KeelsonError) => void
}

/** One value in force. */
export interface ConfigEntry {
  /** Dotted, with the section: `documents.maxBytes`. */
  readonly path: string
  /** `[redacted]` for a secret. */
  readonly value: unknown
  /** The layer's name, the variable's name, or `defaults`. */
  readonly origin: string
}

export type ConfigWatcher = (changes: readonly ConfigChange[]) => void | Promise<void>

/** What the next configuration is made of. */
interface Sources {
  readonly environment: Environment
  /** A copy, as are the updates: whoever made the values may change them later. */
  readonly base: unknown
  readonly file: ConfigFileContent
  readonly variables: ConfigLayer
  readonly updates: ReadonlyMap<string, unknown>
  /** What is wrong before anything is merged: a circle, a secret that cannot be read. */
  readonly problems: readonly string[]
}

/**
 * @example
 * const file = { path: 'keelson.json', isRequired: false }
 * const configuration = new Configuration({ sections: { listener: ListenerConfig }, variables: process.env, file })
 * await configuration.load()
 * const stop = configuration.watch((changes) => log.info('changed', { changes }))
 * configuration.get('listener').port
 */
export class Configuration<Sections extends ConfigSections = ConfigSections> {
  readonly #options: ConfigurationOptions<Sections>
  readonly #watchers = new Set<{ readonly watcher: ConfigWatcher }>()
  #sources: Sources | undefined
  #resolved: ResolvedConfig | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #stopWatching: (() => void) | undefined
  /** The file as last read, fit or not; undefined when it could not be read. And the problem as last reported. */
  #seen: ConfigFileContent | undefined
  #reported: string | undefined

  constructor(options: ConfigurationOptions<Sections>) {
    this.#options = options
  }

  /** The environment that was loaded. Throws CONFIG_NOT_LOADED. */
  get environment(): Environment {
    return this.#loaded().environment
  }

  /** Names of all sections. */
  get sections(): readonly string[] {
    return Object.keys(this.#options.sections)
  }

  /**
   * Reads and validates everything; the environment is `environment`, or what `KEELSON_ENV` says. Later calls read again, the files of
   * secrets included, and keep updates. Rejects with CONFIG_INVALID, CONFIG_UNREADABLE or CONFIG_ENVIRONMENT_UNKNOWN, and then nothing
   * has changed.
   */
  load(environment?: string): Promise<void> {
    return this.#inTurn(async () => {
      const { file, variables } = this.#options
      const name = environmentOf(environment ?? this.#sources?.environment ?? variables?.['KEELSON_ENV'])
      const content = file ? await readConfigFile(file) : { text: undefined, values: undefined }
      await this.#adopt(await this.#sourcesWith(name, content))
      this.#seen = content
      this.#reported = undefined
    })
  }

  /** The validated values of a section; frozen, and never changed later: after a change, ask again. Throws CONFIG_NOT_LOADED. */
  get<Name extends keyof Sections & string>(section: Name): Parsed<Sections[Name]> {
    this.#loaded()
    // Every section was parsed with its own schema.
    return this.#resolved?.values[section] as Parsed<Sections[Name]>
  }

  /**
   * Sets one value over all layers until the process ends; `undefined` takes earlier updates at and under the path back. Text takes the
   * schema's type. Resolves when the value is in force and watchers have been told. Updates are made one after the other in the order of
   * the calls. Rejects with CONFIG_INVALID, and then nothing has changed.
   */
  update(path: string, value: unknown): Promise<void> {
    const problems: string[] = []
    const copy = snapshot(value, 'update', problems, path)
    return this.#inTurn(async () => {
      const sources = this.#loaded()
      if (problems.length > 0) throw kernelErrors.CONFIG_INVALID({ problems })
      const isUnder = (other: string) => other === path || other.startsWith(`${path}.`)
      const updates = new Map([...sources.updates].filter(([other]) => !isUnder(other)))
      if (copy !== undefined) updates.set(path, copy)
      await this.#adopt({ ...sources, updates })
    })
  }

  /** What would be wrong if these values, by section, were put over all layers; empty when nothing. Changes nothing. */
  validate(values: unknown): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      try {
        await this.#resolve(this.#loaded(), [{ name: 'validated', values }])
        return []
      } catch (error) {
        if (isError(error, 'CONFIG_INVALID')) return listOf(error.details['problems'])
        throw error
      }
    })
  }

  /**
   * Calls `watcher` after every change with what changed; all sections have switched by then. The file is watched while anybody
   * watches. A watcher that throws or rejects keeps nobody else from being told. Gives back what ends it.
   */
  watch(watcher: ConfigWatcher): () => void {
    const entry = { watcher }
    this.#watchers.add(entry)
    this.#stopWatching ??= this.#watchFile()
    return () => {
      this.#watchers.delete(entry)
      if (this.#watchers.size > 0) return
      this.#stopWatching?.()
      this.#stopWatching = undefined
    }
  }

  /** Every value in force with its origin, of all sections or one, sorted as the schemas have them. Throws CONFIG_NOT_LOADED. */
  origins(section?: string): ConfigEntry[] {
    this.#loaded()
    const { values, origins } = this.#resolved ?? { values: {}, origins: new Map<string, string>() }
    return Object.entries(this.#options.sections).flatMap(([name, schema]) => {
      if (section !== undefined && section !== name) return []
      const shown = withoutSecrets(values[name], sectionSchema(name, schema))
      return [...leavesOf(shown, name)].map(([path, value]) => ({ path, value, origin: originOf(path, origins) }))
    })
  }

  async #sourcesWith(environment: Environment, file: ConfigFileContent): Promise<Sources> {
    const problems: string[] = []
    const { base } = this.#options
    const copy = this.#sources ? this.#sources.base : base && snapshot(base.values, base.name, problems)
    const variables = await environmentLayer(this.#options.sections, this.#options.variables ?? {}, problems)
    return { environment, base: copy, file, variables, updates: this.#sources?.updates ?? new Map(), problems }
  }

  async #resolve(sources: Sources, more: readonly ConfigLayer[] = []): Promise<ResolvedConfig> {
    const { sections, base, file, overrides } = this.#options
    const problems = [...sources.problems]
    if (Object.hasOwn(sections, 'environments')) problems.push('environments: no service or adapter may have this name')
    const ofEnvironment = (name: string, values: unknown) =>
      environmentLayers(name, values, sources.environment, sections, problems)
    return await resolveConfig(
      sections,
      [
        ...(base ? ofEnvironment(base.name, sources.base) : []),
        ...(file ? ofEnvironment(file.path, sources.file.values) : []),
        sources.variables,
        pathsLayer('command line', sections, Object.entries(overrides ?? {}), problems),
        pathsLayer('update', sections, sources.updates, problems),
        ...more,
      ],
      problems,
    )
  }

  async #adopt(sources: Sources): Promise<void> {
    const resolved = await this.#resolve(sources)
    const before = this.#resolved
    this.#sources = sources
    this.#resolved = resolved
    const changes = before ? changesBetween(this.#options.sections, before.values, resolved.values) : []
    if (changes.length > 0) this.#tell(changes)
  }

  #tell(changes: readonly ConfigChange[]): void {
    const failed = (cause: unknown) =>
      this.#tellProblem(kernelErrors.CONFIG_WATCHER_FAILED({ reason: reasonOf(cause) }, { cause }))
    for (const entry of [...this.#watchers]) {
      if (!this.#watchers.has(entry)) continue
      try {
        // Not waited for: a watcher may update the configuration in turn.
        Promise.resolve(entry.watcher(changes)).catch(failed)
      } catch (cause) {
        failed(cause)
      }
    }
  }

  #watchFile(): (() => void) | undefined {
    const { file, clock = systemClock } = this.#options
    return (
      file &&
      watchFile(file.path, {
        clock,
        changed: (signal) => this.#inTurn(() => this.#reload(file, clock, signal)),
        failed: (cause) =>
          this.#tellProblem(kernelErrors.CONFIG_UNWATCHED({ file: file.path, reason: reasonOf(cause) }, { cause })),
      })
    )
  }

  async #reload(file: ConfigFile, clock: Clock, signal: AbortSignal): Promise<void> {
    const { environment } = this.#sources ?? {}
    if (environment === undefined) return
    try {
      const content = await this.#settledContent(file, clock, signal)
      if (signal.aborted || (this.#seen && content.text === this.#seen.text)) return
      this.#seen = content
      await this.#adopt(await this.#sourcesWith(environment, content))
      this.#reported = undefined
    } catch (error) {
      if (!signal.aborted) this.#report(error)
    }
  }

  /** A file that cannot be read, or has gone, may be in the middle of being written: it gets a second look. */
  async #settledContent(file: ConfigFile, clock: Clock, signal: AbortSignal): Promise<ConfigFileContent> {
    const content = await readConfigFile(file).catch(() => undefined)
    if (content && (content.text !== undefined || this.#seen?.text === undefined)) return content
    await clock.sleep(settleMs, signal)
    return await readConfigFile(file)
  }

  #report(error: unknown): void {
    if (!isError(error)) throw error
    // Whatever comes next is new, also the text that was in force before.
    if (error.code === 'CONFIG_UNREADABLE') this.#seen = undefined
    if (error.message === this.#reported) return
    this.#reported = error.message
    this.#tellProblem(error)
  }

  #tellProblem(problem: KeelsonError): void {
    try {
      this.#options.onProblem?.(problem)
    } catch {
      // There is nowhere left to report it, and a change must not fail by it.
    }
  }

  #loaded(): Sources {
    if (!this.#sources) throw kernelErrors.CONFIG_NOT_LOADED({})
    return this.#sources
  }

  /** One change at a time, each made on the outcome of the one before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => {})
    return turn
  }
}

function* leavesOf(value: unknown, path: string): Generator<[path: string, value: unknown]> {
  if (!isPlainObject(value)) {
    if (value !== undefined) yield [path, value]
    return
  }
  for (const [key, inner] of Object.entries(value)) yield* leavesOf(inner, `${path}.${key}`)
}

function listOf(problems: unknown): string[] {
  return Array.isArray(problems) ? problems.map(String) : []
}
