/**
 * What must not be shown, by the look of it: whatever stands under the name of a secret, and credentials inside a text. A secret that a
 * schema marks, or that is a `Secret`, is known without this; logs, traces, configuration and errors go through it all the same.
 */
import { redacted } from './config/secret.ts'

const secretName =
  /(password|passwd|passphrase|secret|token|authorization|cookie|credential|apikey|privatekey|secretkey|accesskey)s?$/

/** Without one of these a text holds nothing that is looked for. */
const suspicious = /:\/\/|passw|pwd|passphrase|secret|token|credential|key|sig|auth|bearer|basic/i
const passwordInUrl = /(:\/\/[^\s/:@]*:)[^\s/]*@/g
const parameterInUrl = /([?&;]([^=&;\s#?]{1,100})=)[^&;\s#"'<>]+/g
/** As in `host=db password='a b'` and `"apiKey":"abc"`; what follows a colon and a space is a sentence about it. */
const assignment =
  /\b((?:[\w-]{0,50}[_-])?(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|token))(\s*=\s*|"\s*:\s*(?=")|:(?=[^\s/]))('[^']*'|"[^"]*"|(?!\[redacted\])[^\s,;&'"<>]+)/gi
const scheme = /\b(Bearer|Basic)\s+(?=[\w.~+/-]{8})[\w.~+/-]+=*/gi
/** Names that are those of secrets in a query string only. */
const parameterName = /^(x-amz-)?(key|sig|signature|auth|code|pwd|pass)$/i

/** Keys are few and come again with each record; a program that makes them up is not remembered. */
const judged = new Map<string, boolean>()
const judgedAtMost = 1_000

/**
 * True for a key that ends in the name of a secret, however it is written: `password`, `refresh_token`, `X-Api-Key`, `clientSecret`.
 * `tokenCount` is none, nor is a number under `tokens` or `maxTokens`, which language models are billed by.
 */
export function isSecretName(key: string, value: unknown): boolean {
  return namesSecret(key) && !(typeof value === 'number' && /tokens$/i.test(key))
}

/**
 * The text with the credentials in it taken out: passwords of URLs, as in `postgres://user:[redacted]@host`, secrets of query strings,
 * `password=…` and its like, and the headers of HTTP authentication.
 */
export function withoutCredentials(text: string): string {
  if (!suspicious.test(text)) return text
  return text
    .replace(passwordInUrl, `$1${redacted}@`)
    .replace(parameterInUrl, (all: string, start: string, name: string) =>
      namesSecret(name) || parameterName.test(name) ? `${start}${redacted}` : all,
    )
    .replace(scheme, `$1 ${redacted}`)
    .replace(assignment, `$1$2${redacted}`)
}

function namesSecret(key: string): boolean {
  const before = judged.get(key)
  if (before !== undefined) return before
  const names = secretName.test(key.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase())
  if (judged.size < judgedAtMost) judged.set(key, names)
  return names
}
