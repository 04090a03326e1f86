/**
 * Turns what PGlite throws into a refusal that may be shown and logged. PostgreSQL quotes the offending value in many messages
 * (`invalid input syntax for type integer: "secret"`), so quoted parameters are replaced by their number; its DETAIL, which prints whole
 * rows, is left behind.
 */
import type { Refusal, WireValue } from './worker-messages.ts'

/** Thrown by the worker itself, for what PostgreSQL would let pass. */
export class RefusedError extends Error {
  readonly refusal: Refusal

  constructor(sqlState: string, reason: string) {
    super(reason)
    this.refusal = { sqlState, reason }
  }
}

/** The refusal of a statement; undefined when `error` is not PostgreSQL's answer, so that the engine itself is in doubt. */
export function refusalOf(error: unknown, parameters: readonly WireValue[]): Refusal | undefined {
  if (error instanceof RefusedError) return error.refusal
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return { sqlState: error.code, reason: withoutValues(error.message, error.code, parameters) }
}

function withoutValues(message: string, sqlState: string, parameters: readonly WireValue[]): string {
  const values = parameters.flatMap((value, position) =>
    textsOf(value).map((text) => ({ text, name: `$${position + 1}` })),
  )
  let shown = message
  for (const { text, name } of values) shown = shown.replaceAll(`"${text}"`, () => name)
  // Data exceptions may also quote a part of a value; where values hold quotes themselves, nobody can tell where the part ends.
  if (!sqlState.startsWith('22')) return shown
  if (values.some(({ text }) => text.includes('"'))) return shown.replace(/".*"/s, '…')
  return shown.replace(
    /"([^"]+)"/g,
    (quoted, part: string) => values.find(({ text }) => text.includes(part))?.name ?? quoted,
  )
}

function textsOf(value: WireValue): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (value === null || value instanceof Uint8Array) return []
  const text = value instanceof Date ? value.toISOString() : String(value)
  return text === '' ? [] : [text]
}
