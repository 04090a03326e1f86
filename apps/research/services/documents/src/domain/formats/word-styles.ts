/** What the styles of a Word document say of the text: which paragraphs are headings, and what is hidden. */
import { isOn } from './office-parts.ts'
import { readXml } from './xml.ts'

export interface WordStyle {
  /** How deep a heading it is: 0 is the title. */
  readonly level?: number
  readonly isHidden?: boolean
}

/** Styles by their id. A template in another language names them differently, but its built-in headings keep their English names. */
export function readWordStyles(styles: Uint8Array | undefined, path: string): ReadonlyMap<string, WordStyle> {
  const read = new Map<string, WordStyle & { basedOn?: string }>()
  if (!styles) return read
  let id = ''
  const add = (found: WordStyle & { basedOn?: string }) => read.set(id, { ...read.get(id), ...found })
  readXml(styles, path, {
    open(name, attributes) {
      const value = attributes['w:val'] ?? ''
      if (name === 'w:style') id = attributes['w:styleId'] ?? ''
      else if (name === 'w:basedOn') add({ basedOn: value })
      else if (name === 'w:vanish') add({ isHidden: isOn(value || 'true') })
      else if (name === 'w:name') {
        const level = /^heading ([1-9])$/i.exec(value)?.[1]
        if (level !== undefined) add({ level: Number(level) })
        else if (/^title$/i.test(value)) add({ level: 0 })
      } else if (name === 'w:outlineLvl' && read.get(id)?.level === undefined && Number(value) < 9)
        add({ level: Number(value) + 1 })
    },
    close(name) {
      if (name === 'w:style') id = ''
    },
  })
  return new Map([...read.keys()].map((one) => [one, inherited(one, read)]))
}

/** A style with what it takes from those it is based on, however they lead round. */
function inherited(id: string, styles: ReadonlyMap<string, WordStyle & { basedOn?: string }>): WordStyle {
  let found: WordStyle = {}
  const seen = new Set<string>()
  for (let at: string | undefined = id; at !== undefined && !seen.has(at); at = styles.get(at)?.basedOn) {
    seen.add(at)
    const { level, isHidden } = styles.get(at) ?? {}
    // The title of a document is one paragraph; a style based on it is a subtitle or the like.
    const isOwn = at === id || level !== 0
    found = { ...(level !== undefined && isOwn && { level }), ...(isHidden !== undefined && { isHidden }), ...found }
  }
  return found
}
