/** Starting a system in a test: nothing on disk, no listener unless asked for, services replaced by mocks. */
import type { Adapter } from '@keelson/kernel'
import { createInMemoryLog } from '@keelson/telemetry'
import type { Service } from './service/service.ts'
import { type RunningSystem, type StartOptions, startSystem } from './system/start-system.ts'
import { defineSystem, type EnvironmentValues, type SectionValues } from './system/system.ts'

export { mock } from './mocks/mock.ts'
export { createMockBundle, type MockAnswers, type MockBundle } from './mocks/mock-bundle.ts'
export { type RecordedCall, record, replay } from './mocks/recording.ts'

/**
 * @example
 * await using system = await startForTest({ services: [documents], mocks: [mock(Models, { embed: () => vectors })] })
 */
export function startForTest<const Services extends readonly Service[], const Mocks extends readonly Service[] = []>(
  setup: {
    readonly services: Services
    readonly mocks?: Mocks
    readonly adapters?: readonly Adapter[]
    readonly config?: SectionValues
    readonly environments?: EnvironmentValues
  } & StartOptions,
): Promise<RunningSystem<Services[number]['contract']['name'] | Mocks[number]['contract']['name']>> {
  const { services, mocks, adapters, config, environments, environment, ...options } = setup
  const system = defineSystem({
    name: 'test',
    services: [...services, ...(mocks ?? [])],
    adapters: adapters ?? [],
    // Which calls are recorded is drawn: a test asks for all or gets none.
    config: { listener: { port: 0 }, telemetry: { sampling: 0 }, ...config },
    environments: environments ?? {},
  })
  const start = {
    listen: false,
    persist: false,
    log: createInMemoryLog(),
    environment: { KEELSON_ENV: 'test', ...environment },
    ...options,
  }
  return startSystem(system, start) as Promise<
    // The system's names are those of its services and mocks, as listed above.
    RunningSystem<Services[number]['contract']['name'] | Mocks[number]['contract']['name']>
  >
}
