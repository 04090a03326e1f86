/**
 * The policies of one operation: its settings are resolved from contract and configuration into a plan, anew whenever the configuration changes.
 * What policies have learnt (a breaker's count, who waits, tokens) stays with the operation, so that a reload loses none of it; a call
 * leaves through the plan it entered by.
 */
import type { Operation } from '@keelson/kernel'
import { readPolicies } from './annotation.ts'
import { idempotence } from './policies/idempotent.ts'
import { policies } from './policies/policies.ts'
import type { AttachedPolicy, Policy, PolicyMetric, PolicyPlatform } from './policy.ts'
import type { PoliciesConfig } from './settings.ts'

type Policies = typeof policies
type PolicyName = keyof Policies
type PartOf<One> = One extends Policy<infer _Given, infer _Settings, infer Part, infer _State> ? Part : never
type StateOf<One> = One extends Policy<infer _Given, infer _Settings, infer _Part, infer State> ? State : never

/** What is on, resolved; an absent policy is undefined. A deadline is always there: a call may come with one of its caller. */
export type PolicyPlan = { readonly platform: PolicyPlatform; readonly deadline: PartOf<Policies['deadline']> } & {
  readonly [Name in PolicyName]: PartOf<Policies[Name]> | undefined
}

/** How the policies of an operation that are on stand, counted since the process began. */
export type PolicyState = { readonly [Name in PolicyName]?: StateOf<Policies[Name]> }

/** One policy that is on: each setting with where it comes from (`contract`, `default`, or a path of the configuration). */
export interface ExplainedPolicy {
  readonly policy: string
  readonly settings: readonly { readonly name: string; readonly value: unknown; readonly origin: string }[]
}

/** A policy of which nothing more is known here than that it is one. */
type AnyPolicy = Policy<unknown, unknown, unknown, unknown>
type AnyAttached = AttachedPolicy<unknown, unknown, unknown>

// Each policy is only ever given back what it made itself.
const all = Object.entries(policies) as unknown as readonly (readonly [PolicyName, AnyPolicy])[]

/** What to read from the state of each policy. */
export const policyMetrics: readonly (readonly [PolicyName, readonly PolicyMetric<unknown>[]])[] = all.map(
  ([name, { metrics }]) => [name, metrics],
)

interface Layer {
  readonly settings: Readonly<Record<string, unknown>>
  /** Where a setting of this layer stands, by policy and its name in it. */
  readonly originOf: (...parts: readonly string[]) => string
}

export class OperationPolicies {
  readonly #service: string
  readonly #name: string
  readonly #operation: Operation
  readonly #annotated: ReturnType<typeof readPolicies>
  readonly #platform: PolicyPlatform
  readonly #attached: ReadonlyMap<PolicyName, AnyAttached>
  readonly #isPeers: boolean
  #isKeyed = false
  #plan: PolicyPlan | undefined
  #calleePlan: PolicyPlan
  #explained: readonly ExplainedPolicy[] = []

  /** @param isPeers whether a peer runs the operation, on the other side of a wire: what protects the callee runs there. */
  constructor(
    service: string,
    name: string,
    operation: Operation,
    platform: PolicyPlatform,
    config: PoliciesConfig,
    isPeers = false,
  ) {
    this.#isPeers = isPeers
    this.#service = service
    this.#name = name
    this.#operation = operation
    this.#platform = platform
    this.#annotated = readPolicies(operation)
    const isRepeatableByKey = () => this.#isKeyed
    const isRepeatable = operation.kind === 'query' || this.#annotated.codeOf(idempotence).length > 0
    this.#attached = new Map(
      all.map(([policy, { attach }]) => {
        const code = this.#annotated.codeOf(policy)
        return [policy, attach({ name: `${service}.${name}`, isRepeatable, isRepeatableByKey, platform, code })]
      }),
    )
    this.#calleePlan = this.#planOf(new Map())
    this.configure(config)
  }

  /** All policies that are on; undefined when none is. */
  get plan(): PolicyPlan | undefined {
    return this.#plan
  }

  /** Those that protect the callee, for a call whose caller has run his own on the other side of a wire. */
  get calleePlan(): PolicyPlan {
    return this.#calleePlan
  }

  /** Whatever is on, in the order in which a call meets it. */
  explain(): readonly ExplainedPolicy[] {
    return this.#explained
  }

  configure(config: PoliciesConfig): void {
    const resolved = resolve(this.#layers(config))
    if (!config.chaosAllowed) resolved.delete('chaos')
    const { kind } = this.#operation
    // Also where the other side of a wire keeps the keys.
    this.#isKeyed = kind === 'command' && resolved.has('keyed')
    const isOn = ([name, { kinds, ownKinds, isCode, side }]: (typeof all)[number]) => {
      if (this.#isPeers && side === 'callee') return false
      const settings = resolved.get(name)
      if (!kinds.includes(kind) || (ownKinds?.includes(kind) && !isOfOperation(settings ?? []))) return false
      return isCode ? this.#annotated.codeOf(name).length > 0 && settings?.[0]?.value !== false : settings !== undefined
    }
    const on = all.filter(isOn)
    this.#explained = on.map(([policy]) => ({ policy, settings: resolved.get(policy) ?? isCodeOfContract }))
    const settings = new Map(on.map(([name]) => [name, settingsIn(resolved.get(name) ?? [])]))
    const plan = this.#planOf(settings)
    this.#plan = on.length > 0 ? plan : undefined
    this.#calleePlan = calleePlanOf(plan)
  }

  state(): PolicyState {
    const plan = this.#plan
    const states = all.flatMap(([name]) =>
      plan?.[name] === undefined ? [] : [[name, this.#attached.get(name)?.state()] as const],
    )
    // Each policy gives its own state.
    return Object.fromEntries(states) as PolicyState
  }

  #layers({ defaults, services }: PoliciesConfig): Layer[] {
    // Instances of a service, `<name>:<instance>`, share its settings.
    const [section = ''] = this.#service.split(':')
    const ofService = Object.hasOwn(services, section) ? services[section] : undefined
    const { operations = {}, ...service } = ofService ?? {}
    const ofOperation = Object.hasOwn(operations, this.#name) ? operations[this.#name] : undefined
    const under =
      (...path: readonly string[]): Layer['originOf'] =>
      (...parts) =>
        ['policies', ...path, ...parts].join('.')
    return [
      { settings: defaults, originOf: under('defaults') },
      { settings: this.#annotated.settings, originOf: () => 'contract' },
      { settings: service, originOf: under('services', section) },
      { settings: ofOperation ?? {}, originOf: under('services', section, 'operations', this.#name) },
    ]
  }

  #planOf(settings: ReadonlyMap<PolicyName, unknown>): PolicyPlan {
    const parts = [...this.#attached].map(([name, attached]) => [name, attached.configure(settings.get(name))])
    // Each policy makes its own part, the deadline always, from what its own schema has checked.
    return { platform: this.#platform, ...Object.fromEntries(parts) } as PolicyPlan
  }
}

/** The plan without what protects callers only. The deadline that came with a call holds: that of the operation is its caller's. */
function calleePlanOf(plan: PolicyPlan): PolicyPlan {
  const without = all.flatMap(([name, { side }]) => (side === 'caller' ? [[name, undefined]] : []))
  return { ...plan, ...Object.fromEntries(without), deadline: { ...plan.deadline, ms: Number.POSITIVE_INFINITY } }
}

type Setting = ExplainedPolicy['settings'][number]
type Resolved = Map<PolicyName, readonly Setting[]>

const isCodeOfContract: readonly Setting[] = [{ name: '', value: '(code)', origin: 'contract' }]

/** Whether the contract or the configuration of the very operation says so: what is meant for calls in general is not for a quiet stream. */
function isOfOperation(settings: readonly Setting[]): boolean {
  return settings.every(({ origin }) => origin === 'contract' || origin.includes('.operations.'))
}

/** Later layers win, setting by setting; `false` turns off what came before it. A single value stands under the name ''. */
function resolve(layers: readonly Layer[]): Resolved {
  const resolved: Resolved = new Map()
  for (const { settings, originOf } of layers) {
    for (const [policy, { defaults, isCode }] of all) {
      const value = settings[policy]
      if (value === undefined) continue
      if (value === false && !isCode) resolved.delete(policy)
      else if (typeof value !== 'object' || value === null)
        resolved.set(policy, [{ name: '', value, origin: originOf(policy) }])
      else {
        const before = resolved.get(policy) ?? defaultsIn(defaults)
        resolved.set(
          policy,
          over(before, value, (name) => originOf(policy, name)),
        )
      }
    }
  }
  return resolved
}

function defaultsIn(defaults: object): Setting[] {
  return Object.entries(defaults).map(([name, value]) => ({ name, value, origin: 'default' }))
}

function over(before: readonly Setting[], values: object, originOf: (name: string) => string): Setting[] {
  const settings = new Map(before.map((one) => [one.name, one]))
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) settings.set(name, { name, value, origin: originOf(name) })
  return [...settings.values()]
}

/** A single value, or an object of all. */
function settingsIn(settings: readonly Setting[]): unknown {
  const [first] = settings
  return first?.name === '' ? first.value : Object.fromEntries(settings.map(({ name, value }) => [name, value]))
}
