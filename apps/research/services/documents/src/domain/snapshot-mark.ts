/** Where a snapshot stands: the database it was made of and the value of its change counter. */

/** Raised when what an index keeps of a passage changes: a snapshot of before is then made anew. */
const shape = 2

export function markOf(epoch: string, change: number): string {
  return `${epoch}:${shape}:${change}`
}

/** `change` is undefined for a mark of another shape. */
export function parseMark(mark: string): { readonly epoch: string; readonly change: number | undefined } {
  const [, epoch = '', of = '', change = ''] = /^(.*):(\d+):(\d+)$/.exec(mark) ?? []
  return { epoch, change: Number(of) === shape ? Number(change) : undefined }
}
