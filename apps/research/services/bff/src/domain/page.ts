/**
 * The built page, read once and served from memory, compressed for who takes that. Files under `assets/` carry a hash in their name and
 * are cached for good; the page itself is asked for again each time.
 */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { answerText, type Exchange, type Listener } from '@keelson/services'
import { bffErrors } from '../errors.ts'

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

/** How an answer may be compressed, the smallest first. */
const codings = {
  br: (content: Uint8Array) =>
    promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }),
  gzip: (content: Uint8Array) => promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
} as const
type Coding = keyof typeof codings
const isText = /^(text\/|image\/svg|application\/(json|manifest))/

/** Adds `/` and every file of the built page to the listener. Rejects with BFF_PAGE_NOT_BUILT. */
export async function servePage(listener: Listener, folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw bffErrors.BFF_PAGE_NOT_BUILT({ folder }, { cause })
  })
  // A build that was cut short leaves a folder without the page itself.
  if (!files.some(({ name }) => name === 'index.html')) throw bffErrors.BFF_PAGE_NOT_BUILT({ folder })
  for (const file of files) {
    if (!file.isFile() || file.name.startsWith('.')) continue
    const path = join(file.parentPath, file.name)
    const content = await readFile(path)
    const url = `/${path.slice(folder.length).replaceAll('\\', '/')}`
    const contentType = contentTypes[extname(file.name)] ?? 'application/octet-stream'
    const compressed = new Map<Coding, Promise<Uint8Array>>()
    const headers = headersOf(url, contentType)
    const answer = async (exchange: Exchange) => {
      const coding = isText.test(contentType) ? codingFor(exchange) : undefined
      if (!coding) return answerText(exchange, 200, contentType, content, headers)
      // Compressed when it is first asked for, once.
      const work = compressed.get(coding) ?? codings[coding](content)
      compressed.set(coding, work)
      answerText(exchange, 200, contentType, await work, { ...headers, 'content-encoding': coding })
    }
    listener.route('GET', url === '/index.html' ? '/' : url, answer)
  }
}

function headersOf(url: string, contentType: string): Record<string, string> {
  return {
    'cache-control': url.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(isText.test(contentType) && { vary: 'accept-encoding' }),
    ...(contentType.startsWith('text/html') && {
      'content-security-policy': "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    }),
  }
}

/** The first coding that the request names without refusing it (`q=0`). */
function codingFor(exchange: Exchange): Coding | undefined {
  const accepted = (exchange.header('accept-encoding') ?? '').toLowerCase()
  const names = Object.keys(codings) as Coding[] // The keys of the literal above.
  return names.find((name) => new RegExp(`(^|[\\s,])${name}\\s*(,|$|;(?!\\s*q=0(\\.0*)?\\s*(,|$)))`).test(accepted))
}
