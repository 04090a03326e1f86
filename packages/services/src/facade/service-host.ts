/**
 * Everything one registered service has in this process: the state of its operations, its lifecycle and its health. Facades are views of
 * it; whoever knows only names (REST, the command line) calls it directly.
 */
import {
  type CallChanges,
  type Clock,
  type ComponentState,
  type Contract,
  type Facade,
  type HealthCheck,
  type HealthCheckOptions,
  HealthChecks,
  type HealthProbe,
  type HealthReport,
  isRecord,
  type KeelsonError,
  type Operation,
  type OperationKind,
  type OperationMetrics,
  type Operations,
  type ServiceOperations,
  worstOf,
} from '@keelson/kernel'
import {
  type ExplainedPolicy,
  OperationPolicies,
  type PoliciesConfig,
  type PolicyPlatform,
  type PolicyState,
} from '@keelson/resilience'
import { servicesErrors } from '../errors.ts'
import type { Authorise, Instrument, OperationState, Plan } from './call-plan.ts'
import type { OperationInstrument } from './operation-instrument.ts'
import { fillsOutput, strip } from './output.ts'
import { callOperation, callOperationForPeer } from './pipeline.ts'
import { subscribeOperation } from './subscription.ts'

interface HostOptions {
  /** What the service, or an instance of it, is known by. */
  readonly name: string
  /** True: its first call starts it. */
  readonly isLazy: boolean
  readonly clock: Clock
  /** Why it failed last, while it does not run. */
  readonly error: () => KeelsonError | undefined
  /** One check for each optional dependency that does not run. */
  readonly missing: () => Readonly<Record<string, HealthCheck>>
  readonly contract: Contract
  /** The configuration that is in force. */
  readonly config: () => unknown
  /** Makes the instrument of an operation, or leaves it bare. */
  readonly instrument: ((service: string, operation: string) => OperationInstrument) | undefined
  /** Makes the authorisation of an operation; without it everybody may call. */
  readonly authorise: Authorise | undefined
  readonly policyPlatform: PolicyPlatform
  readonly policies: PoliciesConfig
  /** Whether another process of ours runs it, and there what protects it: flags, caches, chaos. */
  readonly isPeer: boolean
  /** Whether the service calls others. */
  readonly callsOthers: boolean
  /** Starts and closes the service on behalf of its facade. */
  readonly initialize: () => Promise<void>
  readonly cleanup: () => Promise<void>
}

/** What the host has of one operation beside what the pipeline needs. */
interface HostedOperation extends OperationState {
  readonly kind: OperationKind
  /** The plan without policies. */
  readonly base: Omit<Plan, 'policies' | 'calleePolicies'>
  readonly policies: OperationPolicies
}

/** The policies of one operation that are on, and how they stand. */
export interface OperationPolicyReport {
  readonly operation: string
  readonly policies: readonly ExplainedPolicy[]
  readonly state: PolicyState
}

/** How long a subscription's source has to let go when its service closes. */
const letGoMs = 1_000

export class ServiceHost {
  readonly contract: Contract
  /** For whoever is no service. */
  readonly facade: Facade
  readonly #facades = new Map<string, Facade>()
  readonly #operations = new Map<string, HostedOperation>()
  readonly #instruments = new Map<string, OperationInstrument>()
  readonly #options: HostOptions
  readonly #checks: HealthChecks
  /** Queries and commands, and implementations that outlive theirs; an operation has its subscriptions itself. */
  #inFlight = 0
  #idle = () => {}
  #state: ComponentState = 'registered'
  #hasRun = false

  readonly #left = () => {
    this.#inFlight--
    if (this.#inFlight === 0) this.#idle()
  }

  constructor(options: HostOptions) {
    this.#options = options
    this.#checks = new HealthChecks(options.clock)
    this.contract = options.contract
    for (const [name, operation] of Object.entries(options.contract.operations)) {
      const { kind, input } = operation
      const policies = new OperationPolicies(
        options.name,
        name,
        operation,
        options.policyPlatform,
        options.policies,
        options.isPeer,
      )
      const instrument = options.instrument?.(options.name, name)
      if (instrument) this.#instruments.set(name, instrument)
      const base = {
        validate: input?.['~standard'].validate,
        authorisation: options.authorise?.(options.name, name),
        instrument: instrument && kind !== 'subscription' ? this.#counted(instrument) : instrument,
      }
      this.#operations.set(name, {
        name: `${options.name}.${name}`,
        kind,
        base,
        plan: this.#planOf({ base, policies }),
        invoke: this.#instead(name),
        callsOthers: options.callsOthers,
        strip: (output) => strip(output, operation, `${options.name}.${name}`),
        policies,
        platform: options.policyPlatform,
        outlives: () => void this.#inFlight++,
        outlived: this.#left,
        subscriptions: new Set(),
      })
    }
    this.facade = this.#createFacade(undefined)
  }

  /**
   * The facade for a component that names this service in its `uses`: the same each time, since it may be asked for at each call.
   *
   * @param declared the operations that it has said it calls; all when left out.
   */
  facadeFor(caller: string, declared?: readonly string[]): Facade {
    const key = JSON.stringify([caller, declared])
    const known = this.#facades.get(key)
    if (known) return known
    const facade = this.#createFacade({ caller, declared })
    this.#facades.set(key, facade)
    return facade
  }

  /** Resolves the policies anew. Calls in flight leave through the plan they entered by. */
  configurePolicies(config: PoliciesConfig): void {
    for (const operation of this.#operations.values()) {
      operation.policies.configure(config)
      operation.plan = this.#planOf(operation)
    }
  }

  policies(): OperationPolicyReport[] {
    return [...this.#operations].map(([operation, { policies }]) => ({
      operation,
      policies: policies.explain(),
      state: policies.state(),
    }))
  }

  policyState(operation: string): PolicyState {
    return this.#stateOf(operation).policies.state()
  }

  /** Makes the answers that caches are to have before anybody asks. What fails is made when it is asked for. */
  warm(): void {
    for (const [name, { policies }] of this.#operations)
      for (const input of policies.plan?.cache?.warm ?? []) this.call(name, input).catch(() => {})
  }

  get name(): string {
    return this.#options.name
  }

  get state(): ComponentState {
    return this.#state
  }

  /** Called by the lifecycle. Whatever is not running refuses calls. */
  changed(state: ComponentState): void {
    this.#state = state
    if (state === 'starting') this.#checks.clear()
    if (state === 'running') this.#hasRun = true
    else for (const operation of this.#operations.values()) this.#stop(operation)
  }

  /** Calls that were accepted before the close began, queued ones among them, still find the implementation; new ones are refused by the plan. */
  #planOf({ base, policies }: Pick<HostedOperation, 'base' | 'policies'>): Plan {
    const calleePolicies = policies.calleePlan
    return this.#state === 'closing'
      ? { ...base, authorisation: { ofCaller: this.#refuse }, policies: undefined, calleePolicies }
      : { ...base, policies: policies.plan, calleePolicies }
  }

  /** Readers are sent away: they may come back when the service runs again, here or elsewhere. */
  #stop(operation: HostedOperation): void {
    operation.plan = this.#planOf(operation)
    if (this.#state !== 'closing') operation.invoke = this.#instead(operation.name.slice(this.name.length + 1))
    const state = this.#state
    for (const subscription of operation.subscriptions)
      subscription.end(servicesErrors.SERVICE_NOT_RUNNING({ service: this.name, state }))
  }

  /**
   * Lets calls through to `implementation`, once it is one: throws SERVICE_IMPLEMENTATION_INCOMPLETE when an operation is missing, and
   * SERVICE_IMPLEMENTATION_FOREIGN when there is one that the contract does not have.
   *
   * @param place where the service was defined.
   */
  implement(made: unknown, place?: string): void {
    const implementation = isRecord(made) ? made : {}
    const at = { service: this.name, ...(place && { place }) }
    const missing = [...this.#operations.keys()].filter((name) => typeof implementation[name] !== 'function')
    if (missing.length > 0) throw servicesErrors.SERVICE_IMPLEMENTATION_INCOMPLETE({ ...at, operations: missing })
    // An object of a class may well have state beside its operations.
    const isPlain = Object.getPrototypeOf(implementation) === Object.prototype
    const foreign = isPlain ? Object.keys(implementation).filter((name) => !this.#operations.has(name)) : []
    if (foreign.length > 0) throw servicesErrors.SERVICE_IMPLEMENTATION_FOREIGN({ ...at, operations: foreign })
    for (const [name, operation] of this.#operations) {
      // Checked above to be a function; that it fits the contract the compiler checked in defineService.
      const invoke = implementation[name] as OperationState['invoke']
      const isFilled = operation.kind !== 'subscription' && fillsOutput(this.operation(name), operation.name)
      operation.invoke = isFilled ? async (input, call) => operation.strip(await invoke(input, call)) : invoke
    }
  }

  /**
   * Resolves when no query or command is in flight, no implementation is at work that a deadline has cut off from its caller, and the sources of subscriptions have let go; one that takes no notice of its signal is
   * not waited for beyond a second.
   */
  drain(): Promise<void> | void {
    const released = [...this.#operations.values()].flatMap(({ subscriptions }) =>
      [...subscriptions].map((subscription) => subscription.released),
    )
    if (this.#inFlight === 0 && released.length === 0) return
    return Promise.all([this.#idleCalls(), this.#released(released)]).then(() => {})
  }

  #idleCalls(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  async #released(released: readonly Promise<void>[]): Promise<void> {
    const ended = new AbortController()
    const late = this.#options.clock.sleep(letGoMs, ended.signal).catch(() => {})
    await Promise.race([Promise.all(released), late])
    ended.abort()
  }

  call(name: string, input: unknown, call?: CallChanges): Promise<unknown> {
    const operation = this.#stateOf(name)
    return this.#watched(operation, callOperation(operation, input, call))
  }

  /** A call that came over a wire from another process of ours: what protects its caller has run there, and is not run again. */
  callForPeer(name: string, input: unknown, call: CallChanges): Promise<unknown> {
    const operation = this.#stateOf(name)
    return this.#watched(operation, callOperationForPeer(operation, input, call))
  }

  /** @param outgoing turns the items of the implementation into those of the reader. */
  subscribe(
    name: string,
    input: unknown,
    call?: CallChanges,
    outgoing?: (item: unknown) => unknown,
  ): AsyncIterable<unknown> {
    return subscribeOperation(this.#stateOf(name), input, call, { outgoing })
  }

  addCheck(name: string, check: HealthProbe, options?: HealthCheckOptions): void {
    this.#checks.add(name, check, options)
  }

  /** Runs every check. A service that does not run has failed, unless it waits for its first call. */
  async health(): Promise<HealthReport> {
    if (this.#state !== 'running') return this.#healthOfState()
    const { status, checks } = await this.#checks.read()
    const more = { ...this.#options.missing(), ...this.#troubled() }
    const all = [status, ...Object.values(more).map((check) => check.status)]
    return { status: worstOf(all), checks: { ...checks, ...more } }
  }

  /** One check for each operation whose policies hold calls back. */
  #troubled(): Record<string, HealthCheck> {
    const checks: Record<string, HealthCheck> = {}
    for (const { operation, state } of this.policies()) {
      const { breaker, bulkhead } = state
      if (breaker && breaker.state !== 'closed')
        checks[`${operation} breaker`] = {
          status: 'degraded',
          message: `${breaker.state}, refused ${breaker.refused} calls so far`,
        }
      if (bulkhead && bulkhead.waiting > 0)
        checks[`${operation} bulkhead`] = {
          status: 'degraded',
          message: `${bulkhead.running} calls run, ${bulkhead.waiting} wait`,
        }
      if (bulkhead && bulkhead.abandoned > 0)
        checks[`${operation} abandoned`] = {
          status: 'degraded',
          message: `${bulkhead.abandoned} implementations go on long after their calls have ended`,
        }
    }
    return checks
  }

  #healthOfState(): HealthReport {
    const error = this.#options.error()
    const message = `the service is ${this.#state}${error ? `: ${error.message}` : ''}`
    const isWaiting = this.#options.isLazy && this.#state === 'registered'
    const status = isWaiting ? 'ok' : 'failed'
    return { status, checks: { state: { status, message: isWaiting ? 'starts at its first call' : message } } }
  }

  metrics(): Readonly<Record<string, OperationMetrics>> {
    return Object.fromEntries([...this.#instruments].map(([name, instrument]) => [name, instrument.read()]))
  }

  /** What the contract says of an operation. Throws OPERATION_UNKNOWN. */
  operation(name: string): Operation {
    const operation = Object.hasOwn(this.contract.operations, name) ? this.contract.operations[name] : undefined
    if (!operation) throw this.#unknown(name)
    return operation
  }

  #stateOf(name: string): HostedOperation {
    const operation = this.#operations.get(name)
    if (!operation) throw this.#unknown(name)
    return operation
  }

  #unknown(operation: string): KeelsonError {
    return servicesErrors.OPERATION_UNKNOWN({
      service: this.name,
      operation,
      known: [...this.#operations.keys()],
    })
  }

  /** Counts a call that no instrument counts. */
  #watched({ base }: HostedOperation, answer: Promise<unknown>): Promise<unknown> {
    if (base.instrument === undefined) {
      this.#inFlight++
      answer.then(this.#left, this.#left)
    }
    return answer
  }

  readonly #refuse = (): never => {
    throw servicesErrors.SERVICE_NOT_RUNNING({ service: this.#options.name, state: this.#state })
  }

  /** What stands for the implementation while the service does not run. */
  #instead(name: string): OperationState['invoke'] {
    const isWaiting = this.#state === 'registered' || this.#state === 'starting' || this.#state === 'failed'
    return this.#options.isLazy && !this.#hasRun && isWaiting ? this.#startFirst(name) : this.#refuse
  }

  #startFirst(name: string): OperationState['invoke'] {
    return async (input, call) => {
      await this.#options.initialize()
      return this.#stateOf(name).invoke(input, call)
    }
  }

  #counted(instrument: Instrument): Instrument {
    return {
      ...instrument,
      now: () => {
        this.#inFlight++
        return instrument.now()
      },
      ended: (call, span, startedMs, error) => {
        instrument.ended(call, span, startedMs, error)
        this.#left()
      },
    }
  }

  #createFacade(user: FacadeUser | undefined): Facade {
    const host = this
    const options = this.#options
    const operations: Record<string, unknown> = {}
    for (const [name, operation] of this.#operations) operations[name] = this.#operationFor(user, name, operation)
    // The loop above makes one function per operation of the contract, of the kind that the contract names.
    const service = operations as ServiceOperations<Operations>
    return {
      ...service,
      service,
      name: options.name,
      get config() {
        return options.config()
      },
      get status() {
        return host.state
      },
      initialize: user ? () => this.#refuseWord(user, 'initialize') : options.initialize,
      cleanup: user ? () => this.#refuseWord(user, 'cleanup') : options.cleanup,
      health: () => host.health(),
      metrics: () => host.metrics(),
    } as Facade
  }

  #operationFor(user: FacadeUser | undefined, name: string, operation: HostedOperation): unknown {
    const caller = user?.caller
    const declared = user?.declared
    const isStream = operation.kind === 'subscription'
    if (user && declared && !declared.includes(name)) {
      const refusal = () =>
        servicesErrors.OPERATION_NOT_DECLARED({ caller: user.caller, operation: operation.name, declared })
      return isStream ? () => failingStream(refusal) : async () => Promise.reject(refusal())
    }
    return isStream
      ? (input: unknown, call?: CallChanges) => subscribeOperation(operation, input, call, { caller })
      : (input: unknown, call?: CallChanges) => this.#watched(operation, callOperation(operation, input, call, caller))
  }

  /** A service that is used by several must not be closed by one of them. */
  async #refuseWord({ caller }: FacadeUser, word: 'initialize' | 'cleanup'): Promise<never> {
    throw servicesErrors.SERVICE_NOT_OWNED({ service: this.name, caller, word })
  }
}

// biome-ignore lint/correctness/useYield: it fails before its first item.
async function* failingStream(failure: () => Error): AsyncGenerator<never> {
  throw failure()
}

/** The component that holds a facade because it has named the service in its `uses`. */
interface FacadeUser {
  readonly caller: string
  readonly declared: readonly string[] | undefined
}
