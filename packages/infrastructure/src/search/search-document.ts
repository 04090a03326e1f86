/** Documents of the search port: what they may hold, and the settings of an index that say so. */
import { infrastructureErrors } from '../errors.ts'
import type { Synonym } from './synonyms.ts'

export interface IndexSettings {
  /** The field that a query may equal, and that suggestions come from. */
  readonly title?: string
  /** Other fields to search, all strings. */
  readonly text: readonly string[]
  /** Fields to filter, count and sort by, with their types. A field may be searched and an attribute. */
  readonly attributes?: Readonly<Record<string, AttributeType>>
  readonly synonyms?: readonly Synonym[]
}

/** `strings` is a list: a filter or facet looks at each of its values. It cannot be sorted by. */
export type AttributeType = 'string' | 'number' | 'boolean' | 'date' | 'strings'

/** Numbers are finite. Dates are valid and kept to the millisecond. */
export type FieldValue = string | number | boolean | Date | readonly string[]

export interface SearchDocument {
  readonly id: string
  /** Only fields that the settings name. Any may be missing. */
  readonly fields: Readonly<Record<string, FieldValue>>
}

/** One value of an attribute. */
export type AttributeValue = string | number | boolean | Date

export type AttributeTypes = Readonly<Record<string, AttributeType>>

/** @throws SEARCH_FIELD_UNKNOWN */
export function typeOf(index: string, types: AttributeTypes, field: string): AttributeType {
  const type = Object.hasOwn(types, field) ? types[field] : undefined
  if (!type) throw infrastructureErrors.SEARCH_FIELD_UNKNOWN({ index, field })
  return type
}

/** What values are compared by: a date by its time, so that equal dates are equal. */
export function comparable(value: AttributeValue): string | number | boolean {
  return value instanceof Date ? value.getTime() : value
}

/** The values of a field, each by itself. */
export function valuesOf(value: FieldValue | undefined): readonly AttributeValue[] {
  if (value === undefined) return []
  return typeof value === 'object' && !(value instanceof Date) ? value : [value]
}

/** Whether a value can be one of an attribute of this type, or of a list of it. */
export function hasType(value: unknown, type: AttributeType): boolean {
  if (type === 'date') return value instanceof Date && !Number.isNaN(value.getTime())
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value)
  return typeof value === (type === 'strings' ? 'string' : type)
}

/** A copy that shares nothing that can be changed. */
export function copyOf<Fields extends Readonly<Record<string, FieldValue | undefined>>>({
  id,
  fields,
}: {
  readonly id: string
  readonly fields: Fields
}): { id: string; fields: Fields } {
  const copies = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, copyOfValue(value)]))
  // The same names with values of the same types.
  return { id, fields: copies as Fields }
}

function copyOfValue(value: FieldValue | undefined): FieldValue | undefined {
  if (value instanceof Date) return new Date(value)
  return typeof value === 'object' ? [...value] : value
}

const attributeTypes: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'date', 'strings'])

/** @throws SEARCH_SETTINGS_INVALID */
export function checkSettings(index: string, { title, text, attributes = {} }: IndexSettings): void {
  const refuse = (reason: string) => infrastructureErrors.SEARCH_SETTINGS_INVALID({ index, reason })
  const searched = title === undefined ? text : [title, ...text]
  if (searched.length === 0) throw refuse('it has no field to search')
  if (new Set(searched).size < searched.length) throw refuse('a field is searched twice')
  for (const [name, type] of Object.entries(attributes)) {
    if (!attributeTypes.has(type)) throw refuse(`the attribute "${name}" is of no known type`)
    if (searched.includes(name) && type !== 'string')
      throw refuse(`"${name}" is searched and cannot be of type ${type}`)
  }
}

/**
 * Checks fields against the settings; a field that is `undefined` is none.
 *
 * @throws SEARCH_DOCUMENT_INVALID
 */
export function checkFields(
  index: string,
  { title, text, attributes = {} }: IndexSettings,
  { id, fields }: { readonly id: string; readonly fields: Readonly<Record<string, FieldValue | undefined>> },
): void {
  const refuse = (reason: string) =>
    infrastructureErrors.SEARCH_DOCUMENT_INVALID({ index, id: String(id).slice(0, 200), reason })
  if (typeof id !== 'string' || id === '') throw refuse('its id is not a string of at least one character')
  if (typeof fields !== 'object' || fields === null) throw refuse('it has no fields')
  for (const [name, value] of Object.entries(fields)) {
    const isSearched = name === title || text.includes(name)
    const type = Object.hasOwn(attributes, name) ? attributes[name] : isSearched ? 'string' : undefined
    if (!type) throw refuse(`the settings have no field "${name.slice(0, 200)}"`)
    if (value !== undefined && !isFieldOf(value, type)) throw refuse(`its field "${name}" is not of type ${type}`)
  }
}

function isFieldOf(value: unknown, type: AttributeType): boolean {
  if (type !== 'strings') return hasType(value, type)
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
