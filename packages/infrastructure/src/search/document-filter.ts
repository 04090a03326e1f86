/**
 * Filters of documents as data, never as text: values with quotes, colons or operators in them are values and nothing else. A filter is
 * checked against the types of the attributes before anything is searched.
 */
import { infrastructureErrors } from '../errors.ts'
import { readGlob } from '../query.ts'
import {
  type AttributeType,
  type AttributeTypes,
  type AttributeValue,
  comparable,
  type FieldValue,
  hasType,
  typeOf,
  valuesOf,
} from './search-document.ts'

/**
 * `=` and `in` hold for a list when one of its values is it. `<`, `<=`, `>` and `>=` compare numbers and dates. `glob` matches a whole
 * string as `SearchFilter` does. A document without the attribute passes `!=` and no other comparison. An empty `and` passes all, an
 * empty `or` and an empty `in` nothing.
 */
export type DocumentFilter =
  | { readonly attribute: string; readonly is: Comparison; readonly value: AttributeValue }
  | { readonly attribute: string; readonly is: 'in'; readonly values: readonly AttributeValue[] }
  | { readonly attribute: string; readonly is: 'glob'; readonly glob: string }
  | { readonly and: readonly DocumentFilter[] }
  | { readonly or: readonly DocumentFilter[] }
  | { readonly not: DocumentFilter }

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

export type DocumentJudge = (fields: Readonly<Record<string, FieldValue>>) => boolean

const deepest = 50

/** @throws SEARCH_FIELD_UNKNOWN, SEARCH_FILTER_INVALID, or SEARCH_QUERY_INVALID for a glob that cannot be read. */
export function compileFilter(index: string, types: AttributeTypes, filter: DocumentFilter, depth = 0): DocumentJudge {
  const refuse = (reason: string) => infrastructureErrors.SEARCH_FILTER_INVALID({ index, reason })
  if (depth > deepest) throw refuse(`it is nested deeper than ${deepest} levels`)
  requireFilter(filter, refuse)
  const compile = (inner: DocumentFilter) => compileFilter(index, types, inner, depth + 1)
  if ('and' in filter) {
    const judges = filter.and.map(compile)
    return (fields) => judges.every((judge) => judge(fields))
  }
  if ('or' in filter) {
    const judges = filter.or.map(compile)
    return (fields) => judges.some((judge) => judge(fields))
  }
  if ('not' in filter) {
    const judge = compile(filter.not)
    return (fields) => !judge(fields)
  }
  const type = typeOf(index, types, filter.attribute)
  const judge = judgeOf(filter, type, refuse)
  if (!judge) throw refuse(`"${filter.attribute}" is of type ${type} and has no "${String(filter.is)}"`)
  return (fields) => judge(Object.hasOwn(fields, filter.attribute) ? fields[filter.attribute] : undefined)
}

/** What came from outside may be anything; the types of values are looked at later. */
function requireFilter(filter: unknown, refuse: (reason: string) => Error): void {
  if (typeof filter !== 'object' || filter === null) throw refuse('a part of it is no object')
  if ('is' in filter && filter.is === 'in' && !('values' in filter)) throw refuse('"in" has no values')
  for (const list of ['and', 'or', 'values'] as const) {
    // Any object may be asked for a property.
    const value = (filter as Readonly<Record<string, unknown>>)[list]
    if (value !== undefined && !Array.isArray(value)) throw refuse(`"${list}" is no list`)
  }
}

/** The filter without the conditions on an attribute that could be left out by themselves; `undefined` when nothing remains. */
export function withoutConditionsOn(attribute: string, filter: DocumentFilter | undefined): DocumentFilter | undefined {
  if (!filter) return undefined
  if ('and' in filter) return { and: filter.and.filter((inner) => !isOnlyAbout(attribute, inner)) }
  return isOnlyAbout(attribute, filter) ? undefined : filter
}

function isOnlyAbout(attribute: string, filter: DocumentFilter): boolean {
  if ('and' in filter) return filter.and.every((inner) => isOnlyAbout(attribute, inner))
  if ('or' in filter) return filter.or.every((inner) => isOnlyAbout(attribute, inner))
  return 'not' in filter ? isOnlyAbout(attribute, filter.not) : filter.attribute === attribute
}

type Condition = Extract<DocumentFilter, { readonly attribute: string }>
type ValueJudge = (value: FieldValue | undefined) => boolean

/** `undefined` for a comparison that the type does not have. */
function judgeOf(filter: Condition, type: AttributeType, refuse: (reason: string) => Error): ValueJudge | undefined {
  const checked = (value: AttributeValue): string | number | boolean => {
    if (!hasType(value, type))
      throw refuse(`"${filter.attribute}" is of type ${type} and cannot be compared with ${shown(value)}`)
    return comparable(value)
  }
  if (filter.is === 'glob') {
    if (type !== 'string' && type !== 'strings') return undefined
    const matches = readGlob(filter.glob)
    return (value) => valuesOf(value).some((one) => matches(String(one)))
  }
  if (filter.is === 'in') {
    const wanted = new Set(filter.values.map(checked))
    return (value) => valuesOf(value).some((one) => wanted.has(comparable(one)))
  }
  const wanted = checked(filter.value)
  const equals: ValueJudge = (value) => valuesOf(value).some((one) => comparable(one) === wanted)
  if (filter.is === '=') return equals
  if (filter.is === '!=') return (value) => !equals(value)
  const compare = type === 'number' || type === 'date' ? orders[filter.is] : undefined
  return compare && ((value) => valuesOf(value).some((one) => compare(Number(comparable(one)), Number(wanted))))
}

/** Of a filter that came from outside, `is` may be anything. */
const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? `the string "${value.slice(0, 100)}"`
    : `${typeof value} ${String(value).slice(0, 100)}`
}
