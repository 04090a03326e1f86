/** The order in which components can start, found before anything does, so that a graph that cannot start is refused whole. */
import { kernelErrors } from '../errors.ts'

/** What the order is made of. */
export interface Dependent {
  readonly name: string
  readonly dependsOn: readonly string[]
  /** Started before it when the system has them; it starts also when they are missing or fail. */
  readonly optional?: readonly string[]
}

/** A component may start whenever another one does. */
export type Follower = Dependent & { readonly follows?: string }

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

/** The parts of a component that decide about its start; they may be computed, so that a copy must name them. */
export function withoutOptional({ name, dependsOn, follows }: Follower): Follower {
  return { name, dependsOn, ...(follows !== undefined && { follows }) }
}

/** The names that are wanted and those that follow any component that starts with them; undefined for all. */
export function withFollowers(
  components: readonly Follower[],
  names: readonly string[] | undefined,
): readonly string[] | undefined {
  if (!names) return undefined
  const wanted = new Set(names)
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size
    const starting = new Set(startOrder(components, [...wanted]).map(({ name }) => name))
    for (const { name, follows } of components) if (follows !== undefined && starting.has(follows)) wanted.add(name)
  }
  return [...wanted]
}
