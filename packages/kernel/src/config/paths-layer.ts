/** Single values by dotted path as a layer: what a command line or an update gives. */
import { coerceText } from '../schema/coerce.ts'
import { isRecord, propertiesOf } from '../schema/schema-parts.ts'
import { type ConfigLayer, type ConfigSections, ownValue, sectionSchema, snapshot } from './config-layer.ts'

/** `{ 'listener.port': '4001' }` as a layer. Text takes the type that the schema asks for; of overlapping paths the later one wins. */
export function pathsLayer(
  name: string,
  sections: ConfigSections,
  paths: Iterable<readonly [path: string, value: unknown]>,
  problems: string[],
): ConfigLayer {
  const values: Record<string, unknown> = Object.create(null)
  for (const [path, value] of paths) {
    const keys = path.split('.')
    const [section = '', ...rest] = keys
    const declared = ownValue(sections, section)
    const root = declared && sectionSchema(section, declared)
    let schema = root
    for (const key of rest) schema = ownValue(propertiesOf(schema, root), key)
    setAt(
      values,
      keys,
      typeof value === 'string' ? coerceText(value, schema, root) : snapshot(value, name, problems, path),
    )
  }
  return { name, values }
}

/** Sets a value inside objects without a prototype, so that no key can reach one. */
export function setAt(target: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[key] = value
    return
  }
  const before = target[key]
  const nested: Record<string, unknown> = Object.assign(Object.create(null), isRecord(before) ? before : {})
  target[key] = nested
  setAt(nested, rest, value)
}
