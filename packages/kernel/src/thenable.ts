/**
 * Answers that come later. Query builders and other libraries return objects that are no promises of this realm and have a `then` of their own, which may
 * be a getter, or start the work when it is called: it is read once and called once.
 */

const nativeThen = Promise.prototype.then

/**
 * The promise of a value that has `then`; undefined for one that has none. A promise of the language is given back as it is. Throws what a
 * `then` that is a getter throws; what the function itself throws rejects the promise.
 */
export function promiseOf(value: unknown): Promise<unknown> | undefined {
  if (value instanceof Promise) {
    const { then } = value
    return then === nativeThen ? value : promiseBy(value, then)
  }
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  // Any property may be asked for of an object; only its being a function counts.
  const { then } = value as { readonly then?: unknown }
  // A function of whatever parameters: it is called as `then` is.
  return typeof then === 'function' ? promiseBy(value, then as typeof nativeThen) : undefined
}

function promiseBy(value: unknown, then: typeof nativeThen): Promise<unknown> {
  return new Promise((resolve, reject) => {
    void then.call(value, resolve, reject)
  })
}
