/** What a thrown value says for people. Anything can be thrown, so that nothing is taken for granted of it. */

/** The message of `error`; its code or name where that is empty, and its text where it is no error. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    if (typeof error !== 'object' || error === null) return String(error)
    const { message, code, name } = error as { message?: unknown; code?: unknown; name?: unknown }
    // A connection that failed at each of its addresses is an AggregateError without a message.
    const said = [message, code, name].find((part) => typeof part === 'string' && part !== '')
    return typeof said === 'string' ? said : String(error)
  } catch {
    return 'it cannot be read'
  }
}
