/** Names of parts inside an archive, and how they name each other. */

export function folderOf(part: string): string {
  return part.slice(0, part.lastIndexOf('/') + 1)
}

/** The name that `target` has from a folder. What leads out of the archive ends at its top, so that nothing outside is ever named. */
export function resolvePart(folder: string, target: string): string {
  const segments = target.startsWith('/') ? [] : folder.split('/').slice(0, -1)
  for (const segment of decoded(target.replace(/[?#].*$/, '')).split(/[/\\]/)) {
    if (segment === '..') segments.pop()
    else if (segment !== '.' && segment !== '') segments.push(segment)
  }
  return segments.join('/')
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target)
  } catch {
    return target
  }
}
