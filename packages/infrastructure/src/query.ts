/** What queries of every index have in common: filters over attributes, and counts. */
import { reasonOf } from '@keelson/kernel'
import { infrastructureErrors } from './errors.ts'
import { compileGlob, type Glob } from './search/glob.ts'

/**
 * All filters of a query must hold. An entry without the attribute fails every kind. A glob is matched against the whole value: `*` and
 * `?` stay within a path segment, `**` crosses them, `[a-z]` and `{a,b}` choose; names that begin with a dot are like any other. `atLeast`
 * goes by UTF-16 units, in whose order times in ISO 8601 are.
 */
export type SearchFilter =
  | { readonly attribute: string; readonly equals: string }
  | { readonly attribute: string; readonly glob: string }
  | { readonly attribute: string; readonly atLeast: string }

/** Whether a value passes a filter. @throws SEARCH_QUERY_INVALID for a glob that cannot be read. */
export function matcherOf(filter: SearchFilter): (value: string) => boolean {
  if ('equals' in filter) return (value) => value === filter.equals
  if ('atLeast' in filter) return (value) => value >= filter.atLeast
  return readGlob(filter.glob)
}

/** @throws SEARCH_QUERY_INVALID for a glob that cannot be read. */
export function readGlob(glob: string): Glob {
  try {
    return compileGlob(glob)
  } catch (cause) {
    const reason = reasonOf(cause)
    throw infrastructureErrors.SEARCH_QUERY_INVALID({ field: `the glob "${glob.slice(0, 200)}"`, reason }, { cause })
  }
}

/** @throws SEARCH_QUERY_INVALID unless `value` is a whole number from 0. */
export function requireCount(field: 'limit' | 'offset', value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw infrastructureErrors.SEARCH_QUERY_INVALID({ field, reason: `must be a whole number from 0, not ${value}` })
}
