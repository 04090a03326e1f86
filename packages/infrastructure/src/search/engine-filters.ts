/** What of a document filter and of facets the engine can do by itself, over the attributes that it keeps: single strings. */
import type { SearchFilter } from '../query.ts'
import { type DocumentFilter, withoutConditionsOn } from './document-filter.ts'
import type { DocumentQuery } from './search.ts'
import type { AttributeTypes, FieldValue } from './search-document.ts'

/** The attributes of a document that the engine keeps. */
export function engineAttributes(
  types: AttributeTypes,
  fields: Readonly<Record<string, FieldValue>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      typeof value === 'string' && types[name] === 'string' ? [[name, value]] : [],
    ),
  )
}

/** The same filter for the engine; `undefined` when it has none. */
export function engineFilters(
  types: AttributeTypes,
  filter: DocumentFilter | undefined,
): readonly SearchFilter[] | undefined {
  if (!filter) return []
  if ('and' in filter) {
    const parts = filter.and.map((inner) => engineFilters(types, inner))
    return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? [])
  }
  if ('or' in filter || 'not' in filter || types[filter.attribute] !== 'string') return undefined
  const { attribute } = filter
  if (filter.is === 'glob') return [{ attribute, glob: filter.glob }]
  return filter.is === '=' && typeof filter.value === 'string' ? [{ attribute, equals: filter.value }] : undefined
}

/** Whether the engine can rank, filter and count all that a query asks for. */
export function canAnswer(types: AttributeTypes, { text, filter, facets = [], sort = [] }: DocumentQuery): boolean {
  return (
    text.trim() !== '' &&
    sort.length === 0 &&
    engineFilters(types, filter) !== undefined &&
    facets.every(
      ({ attribute }) => types[attribute] === 'string' && engineFilters(types, withoutConditionsOn(attribute, filter)),
    )
  )
}
