/** How the text that PostgreSQL sends becomes the values that the port promises, by the type of the column. */
import pg from 'pg'

type ReadColumn = (text: string) => unknown

/** Numbers of types in pg_type, beside what each is read with; the second is the type of its arrays. */
const scalars: readonly (readonly [type: number, arrayType: number, read: ReadColumn])[] = [
  [16, 1000, (text) => text === 't'],
  // int2, int4, oid, float4, float8
  [21, 1005, Number],
  [23, 1007, Number],
  [26, 1028, Number],
  [700, 1021, Number],
  [701, 1022, Number],
  [20, 1016, readInt8],
  [17, 1001, readBytes],
  // date, timestamp, timestamptz
  [1082, 1182, (text) => new Date(text)],
  [1114, 1115, (text) => new Date(text)],
  [1184, 1185, readTimestamp],
  [114, 199, (text) => JSON.parse(text)],
  [3802, 3807, (text) => JSON.parse(text)],
  // text, varchar, bpchar, name, uuid, numeric
  [25, 1009, asItIs],
  [1043, 1015, asItIs],
  [1042, 1014, asItIs],
  [19, 1003, asItIs],
  [2950, 2951, asItIs],
  [1700, 1231, asItIs],
]

const readers = new Map<number, ReadColumn>(
  scalars.flatMap(([type, arrayType, read]): [number, ReadColumn][] => [
    [type, read],
    [arrayType, (text) => readEach(readTexts(text), read)],
  ]),
)

/** What reads a column of this type; a type that the port promises nothing about is given as PostgreSQL's text. */
export function columnReader(type: number): ReadColumn {
  return readers.get(type) ?? asItIs
}

/** pg's reader of text arrays knows their quoting; the types of the items are ours. */
function readTexts(text: string): unknown {
  // An array of text, which the client's list of type names does not have.
  const textArray = 1009 as Parameters<typeof pg.types.getTypeParser>[0]
  return pg.types.getTypeParser(textArray, 'text')(text)
}

function readEach(value: unknown, read: ReadColumn): unknown {
  if (Array.isArray(value)) return value.map((item) => readEach(item, read))
  return typeof value === 'string' ? read(value) : null
}

function asItIs(text: string): string {
  return text
}

/** Beyond 2^53 a number would be another one. */
function readInt8(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

function readBytes(text: string): Uint8Array {
  return Buffer.from(text.slice(2), 'hex')
}

/** Sessions run in UTC. What the engine's own reader does not know (infinity, years before Christ) is left to pg. */
function readTimestamp(text: string): unknown {
  if (/^\d{4}-.*\+00$/.test(text)) return new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
  return pg.types.getTypeParser(1184, 'text')(text)
}
