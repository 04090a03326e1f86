/**
 * Where a server is and how to log in, taken apart from its URL here rather than in the client, so that a password never becomes a part of
 * something that is shown, and so that TLS means a verified certificate.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { kernelErrors } from '@keelson/kernel'
import type { ClientConfig } from 'pg'
import type { Login, Password, TlsOptions } from './login.ts'

type Ssl = Exclude<ClientConfig['ssl'], undefined>

const form = 'postgres://user:password@host:5432/database'

/**
 * What the client connects with. Throws DATABASE_ADDRESS_INVALID, which shows nothing of the URL: who writes it in another form may have put
 * the password anywhere.
 */
export function clientConfig({ url, password, tls }: Login): ClientConfig {
  const parsed = parsedUrl(url)
  const { searchParams: parameters } = parsed
  const port = Number(parameters.get('port') ?? parsed.port) || undefined
  const host = parameters.get('host') ?? decoded(parsed.hostname).replace(/^\[(.+)\]$/, '$1')
  const database = decoded(parsed.pathname.slice(1))
  const user = decoded(parsed.username)
  const secret = password ?? (decoded(parsed.password) || undefined)
  return {
    ...(host && { host }),
    ...(port && { port }),
    ...(user && { user }),
    ...(database && { database }),
    ...(parameters.has('options') && { options: parameters.get('options') ?? '' }),
    ...(secret !== undefined && { password: asked(secret) }),
    ssl: sslOf(parameters, tls),
  }
}

/** Where a server is, as it may be shown. */
export function shownAddress({ host = 'localhost', port = 5432, database = '' }: ClientConfig): string {
  return `${host}:${port}/${database}`
}

function parsedUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:'))
    throw kernelErrors.DATABASE_ADDRESS_INVALID({ reason: `it is no URL of the form ${form}` })
  // A password with one of / ? # in it ends the host too early: the rest of it would be shown as a port or a name.
  if (parsed.hash !== '' || /[@:]/.test(parsed.pathname) || parsed.search.includes('@'))
    throw kernelErrors.DATABASE_ADDRESS_INVALID({
      reason: 'a part of it is cut off: in a password, write @ : / ? # and % as %40 %3A %2F %3F %23 and %25',
    })
  return parsed
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw kernelErrors.DATABASE_ADDRESS_INVALID({ reason: 'a part of it is not percent-encoded: write % as %25' })
  }
}

function asked(password: Password): string | (() => string | Promise<string>) {
  if (typeof password !== 'object') return password
  // The line end that editors leave is no part of it.
  return async () => (await readFile(password.file, 'utf8')).replace(/\r?\n$/, '')
}

/** Anything but `disable` and `no-verify` is what `verify-full` is: a certificate that nobody looks at keeps nobody out. */
function sslOf(parameters: URLSearchParams, tls: TlsOptions | undefined): Ssl {
  const mode = parameters.get('sslmode') ?? (parameters.get('ssl') === 'true' ? 'verify-full' : undefined)
  const files = ['sslrootcert', 'sslcert', 'sslkey'].filter((name) => parameters.has(name))
  if (!tls && files.length === 0 && (mode === undefined || mode === 'disable')) return false
  const read = (name: string) => {
    const path = parameters.get(name)
    return path === null ? undefined : readFileSync(path, 'utf8')
  }
  const [ca, cert, key] = [tls?.ca ?? read('sslrootcert'), read('sslcert'), read('sslkey')]
  return {
    rejectUnauthorized: mode !== 'no-verify' || tls !== undefined,
    ...(tls?.serverName !== undefined && { servername: tls.serverName }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}
