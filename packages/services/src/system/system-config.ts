/** The configuration of a whole system: its own five sections, and one for each service and adapter that declares one. */
import {
  type Clock,
  type ConfigFile,
  type ConfigSections,
  Configuration,
  type ConfigVariables,
  type KeelsonError,
  kernelErrors,
  type Schema,
  Secret,
} from '@keelson/kernel'
import { PoliciesConfig } from '@keelson/resilience'
import { logLevels } from '@keelson/telemetry'
import * as z from 'zod'
import { serviceNames } from '../service/service-names.ts'
import type { System } from './system.ts'

const exposure = z
  .enum(['local', 'public'])
  .optional()
  .describe(
    'Whom it is for: this machine alone, or everybody who reaches the port; left out, it follows from the address',
  )
const port = z.int().min(0).max(65_535)

const ListenerConfig = z.object({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  port: port.default(4000).describe('0 picks a free one'),
  exposure,
  proxy: z
    .object({
      addresses: z.array(z.string().min(1)).min(1).describe('Where it calls from, such as 127.0.0.1'),
      hosts: z.array(z.string().min(1)).min(1).describe('Its own names, such as notes.example.com'),
    })
    .optional()
    .describe('A proxy whose requests a listener for this machine takes'),
  administration: z
    .object({ host: z.string().min(1).default('127.0.0.1'), port: port.default(4001), exposure })
    .optional()
    .describe('A second listener, which takes over metrics, /system and /rpc'),
})

export type ListenerConfig = z.infer<typeof ListenerConfig>

const SystemConfig = z.object({
  data: z.string().min(1).default('.keelson').describe('Folder of everything the system keeps on disk'),
  drainMs: z
    .int()
    .min(0)
    .default(0)
    .describe('How long, at its close, the listener still answers while readiness already says no'),
  closeMs: z.int().min(0).default(25_000).describe('From the signal to the end: what is not done by then is cut off'),
})

const FlagsConfig = z
  .record(
    z.string(),
    z.union([
      z.boolean(),
      z.object({
        tenants: z.array(z.string()).optional(),
        subjects: z.array(z.string()).optional(),
        share: z.number().min(0).max(1).optional(),
      }),
    ]),
  )
  .default({})
  .describe('Feature flags: on, off, or on for some')

const TelemetryConfig = z.object({
  sampling: z.number().min(0).max(1).default(0.01).describe('Share of traces that are recorded'),
  slowMs: z
    .int()
    .min(1)
    .default(1_000)
    .describe('From here on a call is slow: its trace is kept, and it is warned of in development'),
  levels: z
    .record(z.string(), z.enum(logLevels))
    .default({})
    .describe('Log levels by service, or service and namespace: {"documents.index": "debug"}; * for all'),
  otlp: z
    .object({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('Collector, such as http://127.0.0.1:4318'),
      // Collectors are spoken to with keys.
      headers: z.record(z.string(), z.string().meta(Secret.meta)).default({}),
      metricsEveryMs: z.int().min(100).default(60_000),
    })
    .prefault({})
    .describe('OTLP/HTTP; OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS are taken where nothing is set'),
})

type SystemSections = ConfigSections & {
  readonly flags: typeof FlagsConfig
  readonly listener: typeof ListenerConfig
  readonly policies: typeof PoliciesConfig
  readonly system: typeof SystemConfig
  readonly telemetry: typeof TelemetryConfig
}

/**
 * Sections `flags`, `listener`, `policies`, `system` and `telemetry`, which are typed, and those of the system's services and adapters by
 * their names.
 */
export type SystemConfiguration = Configuration<SystemSections>

/** Where the values of a configuration come from, beside the system itself. */
export interface ConfigOrigins {
  /** Variables; `KEELSON_ENV` among them chooses the environment. */
  readonly environment?: ConfigVariables
  /** A JSON file of sections; left out when it does not exist, unless it was named by the user. */
  readonly file?: ConfigFile
  /** Single values by dotted path, over the variables. */
  readonly overrides?: Readonly<Record<string, unknown>>
}

/** What a configuration that lives on needs; `onProblem` hears of changes that could not be made. */
export interface ConfigHooks {
  readonly clock?: Clock
  readonly onProblem?: (problem: KeelsonError) => void
}

/**
 * The loaded configuration: schema defaults < the system's `config` < the file < environment variables < overrides, `environments` of the
 * system and the file each over the rest of its own. Rejects with CONFIG_INVALID, CONFIG_UNREADABLE, CONFIG_ENVIRONMENT_UNKNOWN or
 * COMPONENT_DUPLICATE.
 */
export async function loadSystemConfig(
  system: System,
  origins: ConfigOrigins,
  hooks: ConfigHooks = {},
): Promise<SystemConfiguration> {
  const sections = sectionsOf(system)
  const configuration = new Configuration({ sections, ...optionsOf(system, origins), ...hooks })
  await configuration.load()
  return configuration
}

/**
 * The setting `system.data` alone, for whoever looks for a running system: what else it needs, such as secrets, is known to that system
 * only and neither read nor validated here. Rejects as `loadSystemConfig` does.
 */
export async function loadDataFolder(system: System, origins: ConfigOrigins): Promise<string> {
  const anything = z.record(z.string(), z.unknown())
  const others = Object.keys(sectionsOf(system)).map((name) => [name, anything] as const)
  const sections = { ...Object.fromEntries(others), system: SystemConfig }
  const configuration = new Configuration({ sections, ...optionsOf(system, origins) })
  await configuration.load()
  return configuration.get('system').data
}

function optionsOf(system: System, { environment = {}, file, overrides = {} }: ConfigOrigins) {
  const values = { ...system.config, environments: system.environments }
  return { base: { name: 'keelson.config.ts', values }, file, variables: environment, overrides }
}

/** Throws COMPONENT_DUPLICATE when two schemas claim one section; adapters that share one, such as the two of one technology, may. */
function sectionsOf(system: System): SystemSections {
  const own = {
    flags: FlagsConfig,
    listener: ListenerConfig,
    policies: PoliciesConfig,
    system: SystemConfig,
    telemetry: TelemetryConfig,
  }
  const sections: Record<string, Schema> = {}
  const declared = [
    ...system.adapters.map(({ name, config }) => [name, config] as const),
    ...[...serviceNames(system.services)].map(([{ config }, name]) => [name, config] as const),
  ]
  for (const [name, schema] of declared) {
    if (!schema) continue
    const isTaken = Object.hasOwn(own, name) || (Object.hasOwn(sections, name) && sections[name] !== schema)
    if (isTaken) throw kernelErrors.COMPONENT_DUPLICATE({ component: name })
    sections[name] = schema
  }
  return { ...sections, ...own }
}
