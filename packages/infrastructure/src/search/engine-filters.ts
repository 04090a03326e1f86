/** What of a document filter and of facets the engine can do by itself, over the attributes that it keeps: single strings. */
import type { SearchFilter } from '../query.ts'
import { type DocumentFilter, withoutConditionsOn } from './document-filter.ts'
import type { FacetRequest } from './search.ts'
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

/** Whether the engine can count these facets by itself. */
export function canCount(
  types: AttributeTypes,
  facets: readonly FacetRequest[],
  filter: DocumentFilter | undefined,
): boolean {
  return facets.every(({ attribute }) => {
    const others = withoutConditionsOn(attribute, filter)
    return types[attribute] === 'string' && engineFilters(types, others) !== undefined
  })
}
