/** Numbers, dates and types as words. */

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

const times = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function timeInWords(iso: string): string {
  return times.format(new Date(iso))
}

export function durationInWords(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1_000))
  if (seconds < 60) return counted(seconds, 'second')
  if (seconds < 3_600) return counted(Math.round(seconds / 60), 'minute')
  return counted(Math.round(seconds / 360) / 10, 'hour')
}

const typeNames: Readonly<Record<string, string>> = {
  markdown: 'Markdown',
  text: 'Text',
  html: 'HTML',
  pdf: 'PDF',
  docx: 'Word',
  pptx: 'PowerPoint',
  xlsx: 'Excel',
  odt: 'OpenDocument text',
  odp: 'OpenDocument slides',
  ods: 'OpenDocument sheet',
  epub: 'E-book',
  rtf: 'Rich text',
  notebook: 'Notebook',
  subtitles: 'Subtitles',
  csv: 'CSV',
  json: 'JSON',
  email: 'E-mail',
  code: 'Code',
}

export function typeInWords(type: string): string {
  return typeNames[type] ?? type
}
