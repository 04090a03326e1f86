/** Which version of a contract serves whom: semantic versioning's caret, and nothing more, so that nobody has to think about ranges. */
import { kernelErrors } from '../errors.ts'
import type { Contract, EventValues } from './contract.ts'
import type { Operations } from './operation.ts'

/**
 * The same contract for a user that needs no more than an older version of it: a system that serves `version` or a later one of the same
 * major version will do. Without it a user needs what its own copy of the contract says. Throws CONTRACT_INVALID.
 *
 * @example
 * uses: { notes: atLeast(Notes, '1.2.0') }
 */
export function atLeast<Name extends string, Ops extends Operations, Events extends EventValues>(
  contract: Contract<Name, Ops, Events>,
  version: string,
): Contract<Name, Ops, Events> {
  if (!serves(contract.version, version))
    throw kernelErrors.CONTRACT_INVALID({
      contract: contract.name,
      reason: `${contract.version} is not a later version of ${version}`,
    })
  return { ...contract, version }
}

/** True when `served` can stand in for `wanted`: the same major version (below 1.0.0 the same minor), and not older. */
export function serves(served: string, wanted: string): boolean {
  const [has, needs] = [partsOf(served), partsOf(wanted)]
  if (!has || !needs) return false
  const isSameLine = has[0] === needs[0] && (has[0] !== 0 || has[1] === needs[1])
  return isSameLine && compare(has, needs) >= 0
}

type Parts = readonly [major: number, minor: number, patch: number, isRelease: number]

/** A pre-release comes before its release; two of one release are taken for equal. */
function partsOf(version: string): Parts | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)(-.+)?$/.exec(version)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3]), match[4] === undefined ? 1 : 0] : undefined
}

function compare(one: Parts, other: Parts): number {
  const at = one.findIndex((part, index) => part !== other[index])
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0)
}
