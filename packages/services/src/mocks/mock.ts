/** A mock is a service like any other, made of a contract and the answers a test cares about. What it has no answer for is refused by name. */
import type { Contract, Implementation, Operations } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import type { Service } from '../service/service.ts'

export function mock<const Name extends string, Ops extends Operations>(
  contract: Contract<Name, Ops>,
  answers: Partial<Implementation<Ops>>,
): Service<Name, Ops> {
  const unanswered = (operation: string) => () => {
    throw servicesErrors.MOCK_NOT_ANSWERED({ operation: `${contract.name}.${operation}` })
  }
  const refusals = Object.fromEntries(Object.keys(contract.operations).map((name) => [name, unanswered(name)]))
  return { kind: 'service', contract, uses: {}, config: undefined, start: async () => ({ ...refusals, ...answers }) }
}
