/** A bundle of mocks: the same facades without the services behind them, for tests of whatever holds them. */
import type { Contract, Implementation, Operations } from '@keelson/kernel'
import { type Bundle, bundleOf } from '../system/bundle.ts'
import { startSystem } from '../system/start-system.ts'
import { defineSystem } from '../system/system.ts'
import { mock } from './mock.ts'
import { type RecordedCall, record, replay } from './recording.ts'

export type MockBundle<Contracts extends Readonly<Record<string, Contract>>> = Bundle<Contracts> & {
  /** Every call so far, in the order in which they ended. */
  readonly calls: readonly RecordedCall[]
}

/** What a mock bundle answers with: functions, by bundle name and operation, over a recording. */
export interface MockAnswers<Contracts extends Readonly<Record<string, Contract>>> {
  readonly answers?: {
    readonly [Name in keyof Contracts]?: Contracts[Name] extends Contract<string, infer Ops extends Operations>
      ? Partial<Implementation<Ops>>
      : never
  }
  /** Calls of earlier runs, for everything that has no function. */
  readonly replay?: readonly RecordedCall[]
}

/**
 * Facades of contracts without their services. Every call is written down. A call for which there is neither an answer nor a recording is
 * refused by name.
 *
 * @example
 * await using bundle = await createMockBundle({ terminal: Terminal }, { answers: { terminal: { size: () => ({ columns: 80 }) } } })
 */
export async function createMockBundle<const Contracts extends Readonly<Record<string, Contract>>>(
  contracts: Contracts,
  given: MockAnswers<Contracts> = {},
): Promise<MockBundle<Contracts>> {
  const calls: RecordedCall[] = []
  const services = Object.entries(contracts).map(([name, contract]) => {
    const base = given.replay ? replay(contract, given.replay) : mock(contract, {})
    const answers: object = given.answers?.[name] ?? {}
    return record({ ...base, start: async (platform) => ({ ...(await base.start(platform)), ...answers }) }, calls)
  })
  const running = await startSystem(defineSystem({ name: 'mock-bundle', services }), { listen: false, persist: false })
  return Object.assign(bundleOf<Contracts>(running, contracts), { calls })
}
