/**
 * Makes PostgreSQL's words fit to be shown and logged: it quotes the offending value in many messages (`invalid input syntax for type
 * integer: "secret"`), so quoted parameters are replaced by their number. Its DETAIL, which prints whole rows, a driver leaves behind.
 */

/** `message` without the values of `parameters`, which are given as the driver sent them. */
export function shownReason(message: string, sqlState: string, parameters: readonly unknown[]): string {
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

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (value === null || value === undefined || value instanceof Uint8Array) return []
  const text = value instanceof Date ? value.toISOString() : String(value)
  return text === '' ? [] : [text]
}
