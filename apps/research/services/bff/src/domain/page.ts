/**
 * The built page, read once and served from memory. Files under `assets/` carry a hash in their name and are cached for good; the page
 * itself is asked for again each time.
 */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
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
    const answer = (exchange: Exchange) => {
      const { response } = exchange
      response.setHeader(
        'cache-control',
        url.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      )
      if (contentType.startsWith('text/html')) {
        response.setHeader(
          'content-security-policy',
          "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
        )
      }
      answerText(exchange, 200, contentType, content)
    }
    listener.route('GET', url === '/index.html' ? '/' : url, answer)
  }
}
