/** What Office documents have in common: parts that name each other by relations, and a part that knows the title. Source: ECMA-376. */
import { documentsErrors } from '../../errors.ts'
import { type Archive, openArchive } from './archive.ts'
import { folderOf, resolvePart } from './part-names.ts'
import { readXml } from './xml.ts'

export interface Relation {
  readonly id: string
  /** The last word of its type: `slide`, `worksheet`, `notesSlide`. */
  readonly type: string
  /** Name of the part it leads to. */
  readonly target: string
}

export interface OfficePackage {
  readonly path: string
  /** Name of the part that the package is about. */
  readonly main: string
  /** The title in its properties. */
  readonly title: string | undefined
  /** Names are compared without regard to case. Throws what `Archive.read` throws. */
  read(part: string): Uint8Array | undefined
  /** The relations of a part to others of the package; what lies outside is never looked at. */
  relations(part: string): readonly Relation[]
}

/**
 * Opens a package whose main part is named by a relation, or is `usual` where there are no relations. Throws DOCUMENTS_FILE_LOCKED or
 * DOCUMENTS_FILE_DAMAGED.
 */
export function openPackage(bytes: Uint8Array, path: string, usual: string): OfficePackage {
  const archive = openArchive(bytes, path)
  const names = new Map(archive.names.map((name) => [name.toLowerCase(), name]))
  const read = (part: string) => archive.read(names.get(part.toLowerCase()) ?? part)
  const relations = (part: string) => relationsOf(read, part, path)
  const own = relations('')
  const main = own.find(({ type }) => type === 'officeDocument')?.target ?? usual
  if (!names.has(main.toLowerCase()))
    throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: `it has no ${main}` })
  const properties = own.find(({ type }) => type === 'core-properties')?.target ?? 'docProps/core.xml'
  return { path, main, title: titleIn(read, properties, path), read, relations }
}

/** The part of a type that another leads to, or the one that usually stands beside it. */
export function relatedPart(office: OfficePackage, part: string, type: string, usual: string): Uint8Array | undefined {
  const relation = office.relations(part).find((one) => one.type === type)
  return office.read(relation?.target ?? resolvePart(folderOf(part), usual))
}

/** Text in which characters that XML does not take stand as `_x000D_`. Source: ECMA-376, ST_Xstring. */
export function unescapeText(text: string): string {
  if (!text.includes('_x')) return text
  return text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** Whether the value of an attribute says yes. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(?:0|false|off|none)$/i.test(value)
}

/** Throws DOCUMENTS_FILE_DAMAGED when the first element of a main part is another than it has to be. */
export function expectRoot(found: string, expected: string, path: string): void {
  if (found === expected) return
  const reason = `its main part begins with "${found}" instead of "${expected}"`
  throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason })
}

function relationsOf(read: Archive['read'], part: string, path: string): Relation[] {
  const folder = folderOf(part)
  const bytes = read(`${folder}_rels/${part.slice(folder.length)}.rels`)
  const relations: Relation[] = []
  if (!bytes) return relations
  readXml(bytes, path, {
    open(name, { Id: id, Type: type = '', Target: target = '', TargetMode: mode = '' }) {
      if (name !== 'Relationship' || id === undefined || /^external$/i.test(mode)) return
      relations.push({ id, type: type.slice(type.lastIndexOf('/') + 1), target: resolvePart(folder, target) })
    },
  })
  return relations
}

function titleIn(read: Archive['read'], part: string, path: string): string | undefined {
  const bytes = read(part)
  if (!bytes) return undefined
  let title = ''
  let isTitle = false
  readXml(bytes, path, {
    open: (name) => {
      isTitle = name === 'dc:title'
    },
    text: (text) => {
      if (isTitle) title += text
    },
    close: () => {
      isTitle = false
    },
  })
  return unescapeText(title).replaceAll(/\s+/g, ' ').trim() || undefined
}
