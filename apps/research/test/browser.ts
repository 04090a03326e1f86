/** The browser of the page's tests: a Chromium that is installed on the machine, since none is downloaded for the tests. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'chrome.exe']
const places = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
const switches = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** How long a browser may take on a busy machine, to start or for a step; Playwright's own half a minute is soon over there. */
export const patienceMs = 100_000

/** A browser, or the reason why there is none. */
type Launched = { readonly browser: Browser } | { readonly browser?: undefined; readonly reason: string }

/** Launches Chromium without a window: the one named by KEELSON_CHROMIUM, else the first found. Never rejects. */
async function launchBrowser(): Promise<Launched> {
  const executablePath = process.env['KEELSON_CHROMIUM'] ?? installedChromium()
  if (!executablePath) return { reason: 'No Chromium is installed; KEELSON_CHROMIUM may name one' }
  try {
    return { browser: await chromium.launch({ executablePath, args: switches, timeout: patienceMs }) }
  } catch (error) {
    return { reason: `${executablePath} does not start: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/**
 * The browser of a suite that may be skipped: undefined where there is none, after saying why. With KEELSON_REQUIRE_SERVERS=1 it throws
 * instead, so that the suite fails.
 */
export async function browserForSuite(): Promise<Browser | undefined> {
  const launched = await launchBrowser()
  if (launched.browser) return launched.browser
  if (process.env['KEELSON_REQUIRE_SERVERS'] === '1') throw new Error(launched.reason)
  process.stderr.write(`Tests of the page are skipped. ${launched.reason}.\n`)
  return undefined
}

function installedChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...places]
  return candidates.find((candidate) => existsSync(candidate))
}
