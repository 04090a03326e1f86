/** Subtitles (.vtt, .srt): what is said, with its speaker, under the minute in which it is. Source: WebVTT. */
import { decodeHTMLStrict } from 'entities'
import { documentsErrors } from '../../errors.ts'
import { decode } from './decode.ts'
import type { Extract } from './format.ts'
import { TextBuilder } from './text-builder.ts'

const timing = /^\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,]\d{1,3}\s*-->/
const longestLine = 10_000

export const extractSubtitles: Extract = (bytes, path) => {
  const source = decode(bytes, path)
  const builder = new TextBuilder(path)
  let minute = ''
  let previous = ''
  let isCue = false
  for (const line of source.split(/\r\n|\r|\n/)) {
    const time = timing.exec(line.slice(0, 40))
    if (time) {
      isCue = true
      const [, hours = '0', minutes = '00'] = time
      const at = `${hours.padStart(2, '0')}:${minutes.padStart(2, '0')}`
      if (at !== minute) builder.section([`${at}:00`])
      minute = at
    } else if (line.trim() === '') isCue = false
    else if (isCue) {
      const text = spoken(line.slice(0, longestLine))
      // Captions that roll on repeat the line before.
      if (text !== '' && text !== previous) {
        builder.newline()
        builder.words(text)
        previous = text
      }
    }
  }
  const { text, sections } = builder.end()
  if (minute === '') throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: 'it has no times' })
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title: undefined, sections, hasLines: false }
}

/** A line without its tags; the one that names a speaker becomes the beginning of the line. */
function spoken(line: string): string {
  const named = line.replaceAll(/<v(?:\.[^\s<>]*)?\s+([^<>]+)>/g, '$1: ')
  const bare = named.replaceAll(/<\/?[^<>]*>|\{\\[^{}]*\}/g, '')
  return bare.replaceAll(/&[#\w]{1,32};/g, (entity) => decodeHTMLStrict(entity)).trim()
}
