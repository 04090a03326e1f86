/** What Office documents have in common: parts that name each other by relations, and a part that knows the title. Source: ECMA-376. */
import type { Archive } from './archive.ts'
import { readXml } from './xml.ts'

export interface Relation {
  /** The last word of its type: `slide`, `worksheet`, `notesSlide`. */
  readonly type: string
  /** Name of the part it leads to. */
  readonly target: string
}

/** The relations of a part by their id. */
export function relationsOf(archive: Archive, part: string, path: string): ReadonlyMap<string, Relation> {
  const folder = part.slice(0, part.lastIndexOf('/') + 1)
  const bytes = archive.read(`${folder}_rels/${part.slice(folder.length)}.rels`)
  const relations = new Map<string, Relation>()
  if (!bytes) return relations
  readXml(bytes, path, {
    open(name, { Id, Type = '', Target = '' }) {
      if (name !== 'Relationship' || Id === undefined) return
      relations.set(Id, { type: Type.slice(Type.lastIndexOf('/') + 1), target: resolvePart(folder, Target) })
    },
  })
  return relations
}

/** The title that the document's properties give, if any. */
export function titleIn(archive: Archive, path: string): string | undefined {
  const bytes = archive.read('docProps/core.xml')
  if (!bytes) return undefined
  let title = ''
  let isTitle = false
  readXml(bytes, path, {
    open: (name) => {
      isTitle = name === 'title'
    },
    text: (text) => {
      if (isTitle) title += text
    },
    close: () => {
      isTitle = false
    },
  })
  return title.trim() || undefined
}

function resolvePart(folder: string, target: string): string {
  if (target.startsWith('/')) return target.slice(1)
  const segments = folder.split('/').slice(0, -1)
  for (const segment of target.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  return segments.join('/')
}
