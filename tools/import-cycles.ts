/** Finds import cycles: one shortest cycle for each knot of files that import each other, so that the message names what to cut. */

/** Cycles as lists of nodes, each beginning with the first of its nodes by name; empty when there is none. */
export function importCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const knotted = new Set<string>()
  const cycles: string[][] = []
  for (const node of [...edges.keys()].sort()) {
    if (knotted.has(node)) continue
    const cycle = shortestCycleThrough(node, edges)
    if (!cycle) continue
    cycles.push(cycle)
    const knot = reachableFrom(node, edges)
    for (const other of knot) if (reachableFrom(other, edges).has(node)) knotted.add(other)
  }
  return cycles
}

function shortestCycleThrough(start: string, edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const node of queue) {
    for (const next of edges.get(node) ?? []) {
      if (next === start) return pathBack(node, start, cameFrom)
      if (cameFrom.has(next)) continue
      cameFrom.set(next, node)
      queue.push(next)
    }
  }
  return undefined
}

function pathBack(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [end]
  for (let node = end; node !== start; ) {
    node = cameFrom.get(node) ?? start
    path.push(node)
  }
  return path.reverse()
}

function reachableFrom(start: string, edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set([start])
  for (const node of reached) for (const next of edges.get(node) ?? []) reached.add(next)
  return reached
}
