/** Text that comes from anywhere, such as the message of an error, made fit for a column: PostgreSQL takes neither NUL nor half a surrogate pair. */

const mostCharacters = 1_000

export function storable(text: string): string {
  return text.slice(0, mostCharacters).replaceAll('\0', '\ufffd').toWellFormed()
}
