/** Permissions bind everybody but root, and tests often run as root in a container. */

/** Not root: `nobody` on Linux. */
const ordinaryUserId = 65_534

/** Runs `work` as somebody whom permissions bind. Only the effective user changes, for the whole process, and back when it ends. */
export async function asOrdinaryUser<Result>(work: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(ordinaryUserId)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}
