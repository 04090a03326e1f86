/** What must not be written. Secrets are known by the names they stand under, since a secret has no look of its own. */

export const redacted = '[redacted]'

const secretKey =
  /(password|passwd|passphrase|secret|token|authorization|cookie|credential|apikey|privatekey|secretkey|accesskey)s?$/
const passwordInUrl = /(:\/\/[^\s/:@]*:)[^\s/@]+@/g

/** Keys are few and come again with each record; a program that makes them up is not remembered. */
const judged = new Map<string, boolean>()
const judgedAtMost = 1_000

/**
 * True for a key that ends in the name of a secret, however it is written: `password`, `refresh_token`, `X-Api-Key`, `clientSecret`.
 * `tokenCount` is none, nor is a number under `tokens` or `maxTokens`, which language models are billed by.
 */
export function isSecret(key: string, value: unknown): boolean {
  return namesSecret(key) && !(typeof value === 'number' && /tokens$/i.test(key))
}

/** The text with the passwords of its URLs taken out, as in `postgres://user:[redacted]@host`. */
export function withoutPasswords(text: string): string {
  return text.includes('://') ? text.replace(passwordInUrl, `$1${redacted}@`) : text
}

function namesSecret(key: string): boolean {
  const before = judged.get(key)
  if (before !== undefined) return before
  const names = secretKey.test(key.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase())
  if (judged.size < judgedAtMost) judged.set(key, names)
  return names
}
