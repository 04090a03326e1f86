/** Where in the user's code an error arose. Frames of Node, of this platform and of installed packages say nothing to who must mend it. */
import { isAbsolute, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `packages/` in the repository, `node_modules/` once installed. */
const platform = fileURLToPath(new URL('../../', import.meta.url))

/** `services/visits/service.ts:12` for an error or the deepest of its causes; undefined when no file of the user is in their stacks. */
export function placeOf(error: unknown, folder: string): string | undefined {
  if (!(error instanceof Error)) return undefined
  const deeper = placeOf(error.cause, folder)
  if (deeper !== undefined) return deeper
  for (const [, address = '', line] of (error.stack ?? '').matchAll(
    /(?<=^|[\s(])(file:\/\/[^\s)]+?|\/[^\s():]+):(\d+)(?::\d+)?\)?$/gm,
  )) {
    const path = address.startsWith('file:') ? fileURLToPath(address) : address
    if (!isOfUser(path)) continue
    const short = relative(folder, path)
    return `${short.startsWith('..') || isAbsolute(short) ? path : short}:${line}`
  }
  return undefined
}

/** A line of a child's error output as its user should see it: paths from `root`, and undefined for a frame outside of it. */
export function plainLine(line: string, root: string): string | undefined {
  const isFrame = /^\s+at (?:.*[\s(])?(?:file:|node:|\/|<anonymous>)/.test(line)
  if (isFrame && (!line.includes(root + sep) || line.includes(`${sep}node_modules${sep}`))) return undefined
  return line.replaceAll(`file://${root}${sep}`, '').replaceAll(root + sep, '')
}

function isOfUser(path: string): boolean {
  if (path.includes(`${sep}node_modules${sep}`)) return false
  return !(path.startsWith(platform) && /^[^/\\]+[/\\](src|dist)[/\\]/.test(path.slice(platform.length)))
}
