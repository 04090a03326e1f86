/** The environments that a system can run in, and the layers that hold in one of them only. */
import { kernelErrors } from '../errors.ts'
import { isRecord } from '../schema/schema-parts.ts'
import { type ConfigLayer, type ConfigSections, mergeLayers } from './config-layer.ts'

/** Where a system runs, as `KEELSON_ENV` says; `development` when it says nothing. */
export type Environment = (typeof environments)[number]

export const environments = ['development', 'test', 'staging', 'production'] as const

/** Throws CONFIG_ENVIRONMENT_UNKNOWN. */
export function environmentOf(name: string | undefined): Environment {
  const environment = environments.find((one) => one === (name ?? 'development'))
  if (!environment) throw kernelErrors.CONFIG_ENVIRONMENT_UNKNOWN({ environment: name ?? '', known: environments })
  return environment
}

/**
 * Two layers of one origin: its sections, and over them those of its `environments` key for this environment. The other environments are
 * checked for names that nobody has, so that a slip in production's values is found on a laptop.
 */
export function environmentLayers(
  name: string,
  values: unknown,
  environment: Environment,
  sections: ConfigSections,
  problems: string[],
): ConfigLayer[] {
  if (!isRecord(values) || !Object.hasOwn(values, 'environments')) return [{ name, values }]
  const { environments: given, ...own } = values
  const layers: ConfigLayer[] = [{ name, values: own }]
  if (given !== undefined && !isRecord(given)) problems.push(`environments: an object is needed (${name})`)
  for (const [key, inner] of Object.entries(isRecord(given) ? given : {})) {
    const layer: ConfigLayer = { name: `${name}, environments.${key}`, values: inner }
    if (!environments.some((one) => one === key))
      problems.push(`environments.${key}: no environment has this name; there are ${environments.join(', ')} (${name})`)
    else if (key === environment) layers.push(layer)
    else mergeLayers(sections, [layer], problems)
  }
  return layers
}
