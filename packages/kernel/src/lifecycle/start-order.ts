/** The order in which components can start, found before anything does, so that a graph that cannot start is refused whole. */
import { kernelErrors } from '../errors.ts'

/** What the order is made of. */
export interface Dependent {
  readonly name: string
  readonly dependsOn: readonly string[]
  /** Started before it when the system has them; it starts also when they are missing or fail. */
  readonly optional?: readonly string[]
}

/**
 * The order in which components can start, dependencies first and otherwise as given; with `wanted`, only those names and what they need.
 * Throws DEPENDENCY_MISSING or DEPENDENCY_CYCLE; both print the path that leads there. An optional dependency may be missing, yet
 * takes part in cycles.
 */
export function startOrder<C extends Dependent>(components: readonly C[], wanted?: readonly string[]): C[] {
  const byName = new Map(components.map((component) => [component.name, component]))
  const ordered = new Set<C>()
  const visit = (name: string, path: readonly string[]): void => {
    const here = [...path, name]
    const component = byName.get(name)
    if (!component) throw kernelErrors.DEPENDENCY_MISSING({ dependency: name, path })
    if (ordered.has(component)) return
    if (path.includes(name)) throw kernelErrors.DEPENDENCY_CYCLE({ path: here.slice(here.indexOf(name)) })
    for (const dependency of component.dependsOn) visit(dependency, here)
    for (const dependency of component.optional ?? []) if (byName.has(dependency)) visit(dependency, here)
    ordered.add(component)
  }
  for (const name of wanted ?? byName.keys()) visit(name, [])
  return [...ordered]
}
