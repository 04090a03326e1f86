/** Where in the user's code something was called, so that a refused definition can be found in one step. */

/**
 * The place (`file:line:column`) that called `callee`, as the engine's stack tells it; undefined where an engine keeps none.
 * It walks the stack: for definitions, not for calls.
 */
export function callerOf(callee: (...parameters: never[]) => unknown): string | undefined {
  // V8's own, and newer Firefox and Safari; absent elsewhere, and from the types of some platforms.
  const { captureStackTrace } = Error as { captureStackTrace?: (target: object, above: unknown) => void }
  if (!captureStackTrace) return undefined
  const holder: { stack?: string } = {}
  captureStackTrace(holder, callee)
  const frame = /^\s*at (.*)$/m.exec(holder.stack ?? '')?.[1]
  return frame && (/\((.*)\)$/.exec(frame)?.[1] ?? frame.replace(/^async /, ''))
}
