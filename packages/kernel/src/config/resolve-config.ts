/** Layers become one validated configuration, or one error with everything that is wrong with them. */
import { kernelErrors } from '../errors.ts'
import { reasonOf } from '../reason-of.ts'
import { isPlainObject } from '../schema/json-value.ts'
import { problemsOf } from '../schema/schema.ts'
import type { ConfigValues } from './config-changes.ts'
import { type ConfigLayer, type ConfigSections, mergeLayers, originOf, sectionSchema } from './config-layer.ts'
import { secretTexts } from './redact.ts'

/** Validated values by section, frozen, and where each came from, by dotted path. */
export interface ResolvedConfig {
  readonly values: ConfigValues
  readonly origins: ReadonlyMap<string, string>
}

/** Rejects with CONFIG_INVALID, which lists `problems` and all that are found here, each with its layer. */
export async function resolveConfig(
  sections: ConfigSections,
  layers: readonly ConfigLayer[],
  problems: string[],
): Promise<ResolvedConfig> {
  const merged = mergeLayers(sections, layers, problems)
  // A value that could not be taken is missing to its schema: that is no second problem.
  const known = new Set(problems.map((problem) => problem.split(': ', 1)[0]))
  const values: Record<string, unknown> = {}
  for (const [section, schema] of Object.entries(sections)) {
    const given = merged.values.get(section)
    const secrets = secretTexts(given, sectionSchema(section, schema))
    const refuse = (path: string, message: string) => {
      const place = path ? `${section}.${path}` : section
      if (!known.has(place))
        problems.push(`${place}: ${withheld(message, secrets)} (${originOf(place, merged.origins)})`)
    }
    try {
      const outcome = await schema['~standard'].validate(given)
      if (!outcome.issues) values[section] = freeze(outcome.value)
      else for (const { path, message } of problemsOf(outcome.issues)) refuse(path, message)
    } catch (error) {
      refuse('', `its schema failed: ${reasonOf(error)}`)
    }
  }
  if (problems.length > 0) throw kernelErrors.CONFIG_INVALID({ problems })
  return { values, origins: merged.origins }
}

/** Messages are the schema's own and may quote what they refuse. */
function withheld(message: string, secrets: readonly string[]): string {
  return secrets.some((secret) => message.includes(secret)) ? 'refused; the message would show a secret' : message
}

/** Everybody reads the same values, so that nobody may change them. */
function freeze<T>(value: T): T {
  if ((Array.isArray(value) || isPlainObject(value)) && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(freeze)
  }
  return value
}
