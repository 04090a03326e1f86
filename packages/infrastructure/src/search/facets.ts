/** How often each value of an attribute occurs among the documents found. */
import { type DocumentFilter, type DocumentJudge, withoutConditionsOn } from './document-filter.ts'
import type { Facet, FacetRequest } from './search.ts'
import { type AttributeValue, comparable, type SearchDocument, valuesOf } from './search-document.ts'

interface FoundDocument {
  readonly document: SearchDocument
}

interface Counted {
  /** What the text finds, whatever the filter. */
  readonly matching: readonly FoundDocument[]
  /** Those of them that pass the filter. */
  readonly passing: readonly FoundDocument[]
  judge(filter: DocumentFilter | undefined): DocumentJudge
}

export function countFacets(
  requests: readonly FacetRequest[],
  filter: DocumentFilter | undefined,
  { matching, passing, judge }: Counted,
): Facet[] {
  return requests.map(({ attribute, withoutOwnFilter = false, limit = 100 }) => {
    if (!withoutOwnFilter) return { attribute, values: countValues(attribute, passing, limit) }
    const passes = judge(withoutConditionsOn(attribute, filter))
    const found = matching.filter(({ document }) => passes(document.fields))
    return { attribute, values: countValues(attribute, found, limit) }
  })
}

function countValues(attribute: string, found: readonly FoundDocument[], limit: number): Facet['values'] {
  const counts = new Map<string | number | boolean, { readonly value: AttributeValue; count: number }>()
  for (const { document } of found) {
    // A value counts once for a document, however often its list has it.
    const values = new Map(valuesOf(document.fields[attribute]).map((value) => [comparable(value), value]))
    for (const [key, value] of values) {
      const known = counts.get(key)
      if (known) known.count++
      else counts.set(key, { value, count: 1 })
    }
  }
  return [...counts]
    .sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([, counted]) => counted)
}
