/** Filters of a query against a segment: each distinct value of the attribute is judged once, an entry then costs one look-up. */
import { matcherOf, type SearchFilter } from '../query.ts'
import type { Column, SegmentParts } from './segment.ts'

/** Says which entries of a segment pass all filters; `undefined` when none can. */
export type SegmentFilter = (parts: SegmentParts) => readonly Admission[] | undefined

/** An entry passes when `admitted[codes[entry]]` is 1. */
export interface Admission {
  readonly codes: Uint32Array
  readonly admitted: Uint8Array
}

/** @throws SEARCH_QUERY_INVALID for a glob that cannot be read. */
export function compileFilters(filters: readonly SearchFilter[]): SegmentFilter {
  const judges = filters.map((filter) => ({ attribute: filter.attribute, judge: judgeOf(filter) }))
  return (parts) => {
    const admissions: Admission[] = []
    for (const { attribute, judge } of judges) {
      const column = parts.columns.get(attribute)
      if (!column) return undefined
      const admitted = new Uint8Array(column.values.size + 1)
      judge(column, admitted)
      if (!admitted.includes(1)) return undefined
      admissions.push({ codes: column.codes, admitted })
    }
    return admissions
  }
}

/** Marks by code what passes. */
type Judge = (column: Column, admitted: Uint8Array) => void

function judgeOf(filter: SearchFilter): Judge {
  if ('equals' in filter) {
    return ({ values }, admitted) => {
      const position = values.find(filter.equals)
      if (position >= 0) admitted[position + 1] = 1
    }
  }
  const matches = matcherOf(filter)
  return ({ values }, admitted) => {
    for (let position = 0; position < values.size; position++) {
      if (matches(values.at(position))) admitted[position + 1] = 1
    }
  }
}
