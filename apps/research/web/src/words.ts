/** Numbers and dates as words. */

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`
}

export function bytesInWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })

export function dateInWords(iso: string): string {
  return dates.format(new Date(iso))
}
