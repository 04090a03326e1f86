/** Where a snapshot stands: the database it was made of and the value of its change counter. */
export function markOf(epoch: string, change: number): string {
  return `${epoch}:${change}`
}

export function parseMark(mark: string): { readonly epoch: string; readonly change: number | undefined } {
  const [, epoch = '', change = ''] = /^(.*):(\d+)$/.exec(mark) ?? []
  return { epoch, change: change === '' ? undefined : Number(change) }
}
