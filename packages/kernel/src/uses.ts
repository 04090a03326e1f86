/**
 * A service, an adapter or its runner says under `uses` what it needs: contracts that services serve and ports that adapters provide. The
 * declared graph follows from it: the order of starts, what is refused, and who may call whom.
 */
import type { Contract } from './contract/contract.ts'
import type { Facade } from './contract/facade.ts'
import type { Operations } from './contract/operation.ts'
import type { Port } from './port.ts'

/** The things that are needed, by the names that the user wants to call them. */
export type Uses = Readonly<Record<string, Needed | OptionalUse>>

/** A contract that a service serves, some of its operations, or a port that an adapter provides. */
export type Needed = Contract | OperationsUse | Port<unknown>

/** Some operations of a contract; made by `need`. */
export interface OperationsUse<Ops extends Operations = Operations, Name extends string = string> {
  readonly kind: 'operations'
  readonly name: string
  readonly contract: Contract<string, Ops>
  readonly operations: readonly Name[]
}

/** A dependency that its user can do without; made by `optional`. */
export interface OptionalUse<N extends Needed = Needed> {
  readonly kind: 'optional'
  readonly name: string
  readonly needed: N
  /** Undefined: a system that has no such thing is whole. */
  readonly without: string | undefined
}

/** An optional dependency at run time. */
export interface Optional<T> {
  /** Undefined while it is missing or does not run. Ask again for each use: it may have come back. */
  readonly current: T | undefined
}

/**
 * The operations of a contract that its user calls, and no others: the facade that it is given has only these, and refuses the rest
 * with OPERATION_NOT_DECLARED.
 *
 * @example
 * uses: { carts: need(Carts, ['addLine']) }
 */
export function need<Ops extends Operations, const Name extends keyof Ops & string>(
  contract: Contract<string, Ops>,
  operations: readonly Name[],
): OperationsUse<Ops, Name> {
  return { kind: 'operations', name: contract.name, contract, operations }
}

/**
 * A dependency that its user can do without. The user starts also when it is missing or fails; its health is then `degraded`, with
 * `without` as the reason. Where `without` is left out only a failure degrades it: a system that has no such thing is whole.
 *
 * @param without how the user works meanwhile, for whoever reads its health.
 * @example
 * uses: { models: optional(Models, 'searches by word only') }
 */
export function optional<N extends Needed>(needed: N, without?: string): OptionalUse<N> {
  return { kind: 'optional', name: needed.name, needed, without }
}

/** The things that `uses` names, as `start` is given them. */
export type Resolved<U extends Uses> = {
  readonly [Name in keyof U]: U[Name] extends OptionalUse<infer N> ? Optional<GivenFor<N>> : GivenFor<U[Name]>
}

type GivenFor<N> =
  N extends OperationsUse<infer Ops extends Operations, infer Name>
    ? Facade<Pick<Ops, Name & keyof Ops>>
    : N extends Contract<string, infer Ops extends Operations>
      ? Facade<Ops>
      : N extends Port<infer Provided>
        ? Provided
        : never

/** One entry of `uses`, read. */
export interface Use {
  readonly needed: Contract | Port<unknown>
  readonly isOptional: boolean
  /** How the user works without it. */
  readonly without: string | undefined
  /** Undefined: all operations of the contract. */
  readonly operations: readonly string[] | undefined
}

/** Reads one entry of `uses`, in whichever form it was written. */
export function readUse(used: Needed | OptionalUse): Use {
  const isOptional = used.kind === 'optional'
  const asked = used.kind === 'optional' ? used.needed : used
  const needed = asked.kind === 'operations' ? asked.contract : asked
  const operations = asked.kind === 'operations' ? asked.operations : undefined
  return { needed, isOptional, without: used.kind === 'optional' ? used.without : undefined, operations }
}
