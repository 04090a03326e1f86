/** Says in words what the operating system refused, without the paths that its own messages repeat. */

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'it is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a link that leads nowhere or in a circle',
  ENAMETOOLONG: 'its path is too long',
  EIO: 'the disk reports an error',
  ENOSPC: 'the disk is full',
}

export function reasonOf(error: unknown): string {
  const code = systemCodeOf(error)
  if (code !== undefined && reasons[code] !== undefined) return reasons[code]
  return error instanceof Error ? error.message : String(error)
}

/** `ENOENT` and the like, when the operating system refused. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
