/**
 * Starts a system in this process: configuration, the log, the listener, then services and adapters in dependency order. The listener
 * comes first, so that a taken port is found before anything is opened and liveness is answered while services start.
 */
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type Clock,
  type ConfigChange,
  type Contract,
  createRuleFlags,
  type Facade,
  Flags,
  type KeelsonError,
  kernelErrors,
  type Operations,
  type Port,
  reasonOf,
  systemClock,
} from '@keelson/kernel'
import { CacheStore, IdempotencyStore, type PoliciesConfig, RateLimitStore } from '@keelson/resilience'
import {
  createConsoleLog,
  createMetrics,
  Log,
  registerProcessMetrics,
  Telemetry,
  type Tracer,
} from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import type { Authorise } from '../facade/call-plan.ts'
import { Listener, type ListenerOptions } from '../listener/listener.ts'
import { Registry } from '../registry/registry.ts'
import { addOperationRoutes, addRpcRoute } from '../rest/routes/operation-routes.ts'
import { serviceNames } from '../service/service-names.ts'
import { ClosingTime } from './closing-time.ts'
import { type EventLoopDelay, watchEventLoop } from './event-loop-delay.ts'
import { registerPolicyMetrics } from './policy-metrics.ts'
import { announceRun } from './run-file.ts'
import type { Served, System } from './system.ts'
import { type ConfigOrigins, loadSystemConfig, type SystemConfiguration } from './system-config.ts'
import { openSystemListeners, type SystemListeners } from './system-listeners.ts'
import { addSystemRoutes, type SystemHealth, systemHealth } from './system-routes.ts'
import { startSystemTelemetry } from './system-telemetry.ts'
import { addTelemetryRoutes } from './telemetry-routes.ts'

export interface RunningSystem<Names extends string = string> {
  readonly name: string
  /** Where it listens; undefined without a listener. */
  readonly url: string | undefined
  readonly registry: Registry
  /** What is in force, where it comes from, and the way to change it. */
  readonly configuration: SystemConfiguration
  /** The application's own measurements, beside those of every operation. */
  readonly telemetry: Telemetry
  readonly tracer: Tracer
  /**
   * The facade of the service of this system that serves this version of the contract. Throws CONTRACT_VERSION_UNSERVED when only other
   * versions are served.
   */
  get<Name extends string, Ops extends Operations>(
    contract: Contract<Name, Ops> & Served<Names, Contract<Name, Ops>>,
  ): Facade<Ops>
  health(): Promise<SystemHealth>
  /**
   * Readiness says no at once. Takes no new request or call, lets those that were accepted end, then closes services in reverse order and
   * adapters. All of it takes no longer than `system.closeMs` of the configuration: then nothing is waited for, the rest is closed at once,
   * and each component that was not done is logged. Safe to repeat.
   *
   * @param cut when it aborts, the time is over. A later call may bring it.
   */
  close(cut?: AbortSignal): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface StartOptions extends ConfigOrigins {
  /** False: no port is opened, and what needs the listener cannot be started. */
  readonly listen?: boolean
  /** Only these services, and what they depend on; all when left out. */
  readonly only?: readonly string[]
  /** False: nothing is kept on disk. */
  readonly persist?: boolean
  readonly clock?: Clock
  /** A number from 0 to below 1: for the waits before retries and restarts, and for chaos. */
  readonly random?: () => number
  /** Where services log when no adapter provides the `log` port. */
  readonly log?: Log
  readonly instrumented?: boolean
  /** Says whom a request is made for, or refuses it; see `ListenerOptions`. */
  readonly identify?: ListenerOptions['identify']
  /** Says who may call which operation; everybody may when it is left out. */
  readonly authorise?: Authorise
  /** Ends the start when it aborts: what had started is closed, and it rejects with START_CANCELLED. Later it means nothing. */
  readonly signal?: AbortSignal
  /** Cuts the close of a start that failed or was ended: nothing is waited for any longer when it aborts. */
  readonly cut?: AbortSignal
}

/** Rejects with the first error, after closing what had started. */
export async function startSystem<Names extends string>(
  system: System<Names>,
  options: StartOptions = {},
): Promise<RunningSystem<Names>> {
  const configuration = await loadSystemConfig(system, options, {
    clock: options.clock ?? systemClock,
    onProblem: (problem) => logProblem(registry.log, problem),
  })
  const metrics = createMetrics()
  const clock = options.clock ?? systemClock
  const dataFolder = options.persist === false ? undefined : openDataFolder(configuration.get('system').data)
  const observed = startSystemTelemetry({
    system,
    configuration,
    metrics,
    clock,
    environment: options.environment ?? {},
  })
  const registry = new Registry({
    system: { name: system.name, dataFolder },
    clock,
    metrics,
    configuration,
    policies: configuration.get('policies'),
    tracer: observed.tracer,
    log: options.log ?? createConsoleLog({ level: 'warn' }),
    instrumented: options.instrumented ?? true,
    authorise: options.authorise,
    random: options.random ?? Math.random,
  })
  observed.attach(registry.log)
  const unwatch = configuration.watch((changes) => {
    logChanges(registry.log, system, changes)
    if (!changes.some(({ section }) => section === 'policies')) return
    registry.configurePolicies(configuration.get('policies'))
    observePolicies()
  })
  const observePolicies = () => {
    registerPolicyMetrics(metrics, registry)
    const unknown = unknownPolicies(registry, configuration.get('policies'))
    if (unknown.length > 0) registry.log.warn('Policies are set for what this system does not have', { paths: unknown })
  }
  let listeners: SystemListeners | undefined
  let delay: EventLoopDelay | undefined
  let hasStarted = false
  let withdraw = () => {}
  let closing: Promise<void> | undefined
  const time = new ClosingTime(clock)
  const closeAll = async () => {
    const { closeMs, drainMs } = configuration.get('system')
    time.begin(closeMs)
    try {
      unwatch()
      withdraw()
      if (listeners && hasStarted && drainMs > 0) await clock.sleep(drainMs, time.requestsOver).catch(() => {})
      delay?.close()
      await listeners?.close(time.requestsOver)
      listeners?.withdrawKey()
      await registry.shutdown(time.over)
    } finally {
      await time.within(observed.close())
      time.end()
    }
  }
  const close = (cut?: AbortSignal) => {
    if (cut) time.cutBy(cut)
    closing ??= closeAll()
    return closing
  }
  const { signal } = options
  const refuseCancelled = () => {
    if (signal?.aborted) throw kernelErrors.START_CANCELLED({})
  }
  const endStart = () => void registry.shutdown(options.cut).catch(() => {})
  signal?.addEventListener('abort', endStart, { once: true })

  try {
    for (const adapter of system.adapters) registry.provide(adapter)
    const isProvided = ({ name }: Port<unknown>) =>
      system.adapters.some(({ provides }) => provides.some((port) => port.name === name))
    if (!isProvided(Flags)) {
      registry.provideValue(
        Flags,
        createRuleFlags(() => configuration.get('flags')),
      )
    }
    registry.provideValue(Telemetry, observed.telemetry)
    if (!isProvided(Log)) registry.provideValue(Log, registry.log)
    for (const service of system.services) registry.register(service)

    // Nothing names these in its `uses`: every call may want them.
    const everywhere = [Log, CacheStore, IdempotencyStore, RateLimitStore, Flags]
    const provided = everywhere.filter(isProvided).map(({ name }) => name)
    refuseCancelled()
    if (provided.length > 0) await registry.start(provided)
    refuseCancelled()
    observed.attach(registry.log)
    observePolicies()
    if (options.listen !== false) {
      const { log } = registry
      listeners = await openSystemListeners(
        configuration.get('listener'),
        { log, clock, tracer: observed.tracer, ...(options.identify && { identify: options.identify }) },
        dataFolder,
      )
      registerProcessMetrics(metrics)
      registry.provideValue(Listener, listeners.services)
      delay = watchEventLoop()
      addSystemRoutes(listeners, system, registry, metrics, {
        hasStarted: () => hasStarted,
        isClosing: () => closing !== undefined,
        delay,
      })
      for (const [{ isRemote }, name] of serviceNames(system.services))
        if (!isRemote) addOperationRoutes(listeners.services, registry.host(name))
      if (listeners.commands) addTelemetryRoutes(listeners.commands, metrics, observed)
      if (listeners.commands) addRpcRoute(listeners.commands, (name) => registry.host(name))
    }
    refuseCancelled()
    await registry.start(options.only)
    refuseCancelled()
    hasStarted = true
    if (listeners && dataFolder)
      withdraw = announceRun(dataFolder, {
        name: system.name,
        url: listeners.administration.url,
        processId: process.pid,
      })
  } catch (error) {
    await close(options.cut).catch(() => {})
    throw error
  } finally {
    signal?.removeEventListener('abort', endStart)
  }

  return {
    name: system.name,
    url: listeners?.services.url,
    registry,
    configuration,
    telemetry: observed.telemetry,
    tracer: observed.tracer,
    get: (contract) => registry.resolve(contract),
    health: () => systemHealth(registry),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

/** Only services take up changes while they run; what has opened a port, a folder or a connection by its section keeps it. */
function logChanges(log: Log, system: System, changes: readonly ConfigChange[]): void {
  log.info('The configuration changed', { changes })
  const readOnce = new Set(['listener', 'system', ...system.adapters.map(({ name }) => name)])
  const late = changes.filter(({ section }) => readOnce.has(section)).map(({ path }) => path)
  if (late.length > 0) log.warn('Some changes take effect at the next start', { paths: late })
}

/** Paths of services and operations that are not there: a misspelt name would protect nothing. */
function unknownPolicies(registry: Registry, { services }: PoliciesConfig): string[] {
  const known = new Map([...registry.hosts()].map((host) => [host.name, host.contract.operations]))
  return Object.entries(services).flatMap(([service, { operations = {} }]) => {
    const path = `policies.services.${service}`
    const ofService = known.get(service)
    if (!ofService) return [path]
    const unknown = Object.keys(operations).filter((name) => !Object.hasOwn(ofService, name))
    return unknown.map((name) => `${path}.operations.${name}`)
  })
}

function logProblem(log: Log, problem: KeelsonError): void {
  if (problem.code === kernelErrors.CONFIG_INVALID.code)
    log.warn('The configuration stays as it was: a change of it is not valid', problem.details)
  else log.warn(problem.message, { error: problem })
}

function openDataFolder(folder: string): string {
  const path = resolve(folder)
  try {
    mkdirSync(path, { recursive: true })
    // Tried, not asked: what permissions say is not all that stands in the way of writing.
    rmdirSync(mkdtempSync(join(path, '.trial-')))
  } catch (cause) {
    throw servicesErrors.DATA_FOLDER_UNUSABLE({ folder: path, reason: reasonOf(cause) }, { cause })
  }
  return path
}
