/** The words of a chart, a diagram or a drawing, each paragraph once, in the order in which they stand in their part. */
import type { OfficePackage } from './office-parts.ts'
import { readXml } from './xml.ts'

/** Nothing where there is no such part. */
export function drawingTexts(office: OfficePackage, part: string | undefined): string[] {
  const bytes = part === undefined ? undefined : office.read(part)
  const texts = new Set<string>()
  if (!bytes) return []
  let paragraph = ''
  let isText = false
  let words = 0
  const end = () => {
    const text = paragraph.replaceAll(/\s+/g, ' ').trim()
    if (text !== '') texts.add(text)
    paragraph = ''
  }
  readXml(bytes, office.path, {
    open(name) {
      // The names of series and categories are kept in a chart as they were last shown; its numbers are not words.
      if (name === 'c:strCache') words++
      isText = name === 'a:t' || (name === 'c:v' && words > 0)
      if (name === 'a:br') paragraph += ' '
    },
    text(text) {
      if (isText) paragraph += text
    },
    close(name) {
      isText = false
      if (name === 'c:strCache') words--
      if (name === 'a:p' || name === 'c:v') end()
    },
  })
  return [...texts]
}
