/** The API reference at `/docs` in a browser, over the description that the running system gives of itself. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { browserForSuite, patienceMs } from './browser.ts'
import { type IndexedSystem, startIndexed } from './indexed-system.ts'

const browser = await browserForSuite()

describe.skipIf(!browser)('reference page', () => {
  let system: IndexedSystem
  let page: Page

  beforeAll(async () => {
    system = await startIndexed({ 'keelson.md': '# The keelson\n\nA keelson ties the frames into one hull.\n' })
  })

  afterAll(async () => {
    await browser?.close()
    await system?.close()
  })

  beforeEach(async () => {
    if (!browser) throw new Error('skipped without a browser')
    await page?.close()
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, baseURL: system.url })
    page.setDefaultTimeout(patienceMs)
  })

  const operation = (path: RegExp) => page.getByRole('region', { name: path })

  it('reference page describes every operation of the system', async () => {
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto('/docs')
    const search = operation(/GET \/v1\/documents\/search/)
    await search
      .getByRole('row', { name: /^limit/ })
      .getByText('1 to 1000')
      .waitFor()
    expect(await search.getByText('documentId').first().isVisible()).toBe(true)
    await operation(/POST \/v1\/documents\/index/)
      .getByText('Absolute path')
      .waitFor()
    expect(await search.getByLabel('curl command', { exact: true }).textContent()).toContain(
      `curl '${system.url}/v1/documents/search?query=`,
    )
    expect(complaints).toEqual([])
  })

  it('reference page filters operations', async () => {
    await page.goto('/docs')
    await operation(/DELETE \/v1\/documents/).waitFor()
    await page.getByRole('searchbox', { name: 'Filter operations' }).fill('delete')
    await operation(/GET \/v1\/documents\/search/).waitFor({ state: 'hidden' })
    expect(await operation(/DELETE \/v1\/documents/).isVisible()).toBe(true)
  })

  it('reference page opens at the operation its address names', async () => {
    await page.goto('/docs#documents.remove')
    await operation(/DELETE \/v1\/documents/).waitFor()
    await page.waitForFunction(
      'Math.abs(document.getElementById("documents.remove").getBoundingClientRect().top) < window.innerHeight',
    )
  })

  it('reference page tries a GET and shows a stream as it comes', async () => {
    await page.goto('/docs')
    const search = operation(/GET \/v1\/documents\/search/)
    await search.getByText('Try it').click()
    await search.getByLabel('query').fill('hull')
    await search.getByRole('button', { name: 'Send' }).click()
    await search.getByText('"total": 1').waitFor()

    const progress = operation(/GET \/bff\/progress/)
    await progress.getByText('Try it').click()
    await progress.getByRole('button', { name: 'Send' }).click()
    await progress.getByText('"documents":1').waitFor()
    await progress.getByRole('button', { name: 'Stop' }).click()
    await progress.getByText('Stopped', { exact: true }).waitFor()
  })
})
