/** The page in a browser, over the running system: what a reader does with it, and what it says when something stands in the way. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { browserForSuite, patienceMs } from './browser.ts'
import { harbourDocuments } from './harbour-documents.ts'
import { type IndexedSystem, startIndexed } from './indexed-system.ts'

const browser = await browserForSuite()

afterAll(() => browser?.close())

describe.skipIf(!browser)('page', () => {
  let system: IndexedSystem
  let context: BrowserContext
  let page: Page
  let complaints: string[]
  /** What the browser itself reports of an answer that a test makes fail. */
  let expected: RegExp | undefined

  beforeAll(async () => {
    system = await startIndexed(harbourDocuments)
  })

  afterAll(async () => {
    await system?.close()
  })

  beforeEach(async () => {
    if (!browser) throw new Error('skipped without a browser')
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, baseURL: system.url })
    context.setDefaultTimeout(patienceMs)
    page = await context.newPage()
    complaints = []
    expected = undefined
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
  })

  afterEach(async () => {
    await context.close()
    expect(complaints.filter((text) => !expected?.test(text))).toEqual([])
  })

  const searchField = () => page.getByRole('searchbox', { name: 'Search your documents' })
  const hits = () => page.getByRole('list', { name: 'Passages found' }).getByRole('link')
  const opened = (title: string) => page.getByRole('region', { name: title })
  const listed = (name: RegExp) => page.getByRole('link', { name })
  /** Waits for the count of an answer: `2 passages`. */
  const counts = (count: string) => page.locator('.result-count', { hasText: new RegExp(`^${count} in`) }).waitFor()
  const says = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const focusedText = () => page.locator(':focus').textContent()

  it('page lists the documents before anything is typed', async () => {
    await page.goto('/')
    await listed(/^The keelson keelson\.md/).waitFor()
    await says('29 documents')
    expect(await page.title()).toBe('Keelson Research')
  })

  it('page names the files that were skipped, and why', async () => {
    await page.goto('/')
    await page.getByText('1 file could not be read').click()
    await says('damaged.md')
    await says('DOCUMENTS_FILE_ENCODING')
  })

  it('page searches while the reader types and marks the words', async () => {
    await page.goto('/')
    await searchField().pressSequentially('bilge pump', { delay: 10 })
    await hits().first().locator('mark', { hasText: 'pump' }).first().waitFor()
    await counts('1 passage')
    expect(await hits().first().locator('mark').allTextContents()).toEqual(expect.arrayContaining(['bilge', 'pump']))
    expect(new URL(page.url()).searchParams.get('q')).toBe('bilge pump')
  })

  it('page goes back and forward through what was searched for', async () => {
    await page.goto('/')
    await searchField().fill('keelson')
    await counts('2 passages')
    await searchField().press('Enter')
    await searchField().fill('tallow')
    await counts('1 passage')
    await page.goBack()
    await counts('2 passages')
    expect(await searchField().inputValue()).toBe('keelson')
    await page.goBack()
    await listed(/^The keelson keelson\.md/).waitFor()
    await page.goForward()
    await counts('2 passages')
  })

  it('page drops the answer to a question that is no longer asked', async () => {
    const late = Promise.withResolvers<void>()
    await page.route(/search\?query=keelson&/, async (route) => {
      await late.promise
      await route.continue().catch(() => {})
    })
    await page.goto('/')
    await searchField().fill('keelson')
    await page.waitForRequest(/search\?query=keelson&/)
    await searchField().fill('tallow')
    await counts('1 passage')
    late.resolve()
    await page.unrouteAll({ behavior: 'wait' })
    expect(await hits().count()).toBe(1)
    expect(await hits().first().textContent()).toContain('tallow')
  })

  it('page narrows the answer by type and path', async () => {
    await page.goto('/?q=keelson')
    await counts('2 passages')
    await page.getByRole('radio', { name: 'Text' }).check()
    await counts('1 passage')
    expect(await hits().textContent()).toContain('guides/ballast.txt')
    await page.getByRole('radio', { name: 'All' }).check()
    await counts('2 passages')
    await page.getByLabel('Path').fill('guides/**')
    await counts('1 passage')
    expect(new URL(page.url()).searchParams.get('path')).toBe('guides/**')
  })

  it('page keeps searches: the recent ones, and those that were saved', async () => {
    await page.goto('/?q=tallow')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Saved' }).waitFor()
    await searchField().fill('bilge')
    await searchField().press('Enter')
    await page.goto('/')
    const list = (name: string) => page.getByRole('region', { name }).getByRole('link')
    await list('Saved searches').first().waitFor()
    expect(await list('Saved searches').allTextContents()).toEqual(['tallow'])
    expect(await list('Recent searches').allTextContents()).toEqual(['bilge'])
    await page.getByRole('button', { name: 'Forget them' }).click()
    expect(await list('Recent searches').count()).toBe(0)
    await list('Saved searches').click()
    await counts('1 passage')
    await page.getByRole('button', { name: 'Saved' }).click()
    await page.goto('/')
    await listed(/^The keelson keelson\.md/).waitFor()
    expect(await list('Saved searches').count()).toBe(0)
  })

  it('page shows where a passage stands, and how many of each type were found', async () => {
    await page.goto('/?q=tallow')
    await counts('1 passage')
    expect(await hits().first().textContent()).toMatch(/building\.md.*line \d+/)
    await page.getByText('Markdown1', { exact: true }).waitFor()
    await page.getByLabel('Changed').selectOption('The last week')
    await counts('1 passage')
    expect(new URL(page.url()).searchParams.get('since')).toBe('week')
  })

  it('page shows the state of the index', async () => {
    await page.goto('/')
    await page.getByRole('link', { name: 'Indexing' }).click()
    await page.getByRole('heading', { name: 'Indexing', exact: true }).waitFor()
    await says('damaged.md')
    await page.getByText('100 %').waitFor()
    await page.getByRole('link', { name: 'Search', exact: true }).click()
    await listed(/^The keelson keelson\.md/).waitFor()
  })

  it('page shows more passages when asked', async () => {
    await page.goto('/?q=garboard')
    await counts('25 passages')
    expect(await hits().count()).toBe(20)
    await page.getByRole('button', { name: /^More passages/ }).click()
    await hits().nth(24).waitFor()
    expect(await page.getByRole('button', { name: /^More passages/ }).count()).toBe(0)
  })

  it('page opens a document at the passage and gives the focus back', async () => {
    await page.goto('/?q=tallow')
    await hits().first().click()
    const passage = opened('Building a hull').getByRole('group', { name: 'The passage found' })
    await passage.locator('mark', { hasText: 'tallow' }).waitFor()
    expect(await page.evaluate('document.querySelector(".passage").getBoundingClientRect().top < innerHeight')).toBe(
      true,
    )
    expect(await focusedText()).toBe('Building a hull')
    expect(new URL(page.url()).searchParams.get('chunk')).toBeTruthy()
    await page.keyboard.press('Escape')
    await opened('Building a hull').waitFor({ state: 'detached' })
    expect(await focusedText()).toContain('tallow')
    expect(new URL(page.url()).search).toBe('?q=tallow')
  })

  it('page opens a document by its address, over the whole of a narrow screen', async () => {
    await page.goto('/?q=tallow')
    await hits().first().click()
    await opened('Building a hull').waitFor()
    const address = page.url()
    const phone = await context.newPage()
    await phone.setViewportSize({ width: 390, height: 844 })
    await phone.goto(address)
    await phone.getByRole('group', { name: 'The passage found' }).waitFor()
    expect(await phone.getByRole('searchbox').isVisible()).toBe(false)
    await phone.getByRole('button', { name: 'Back to the passages' }).click()
    await phone.getByRole('searchbox').waitFor()
    expect(new URL(phone.url()).search).toBe('?q=tallow')
  })

  it('page is worked with the keyboard alone', async () => {
    await page.goto('/?q=keelson')
    await hits().nth(1).waitFor()
    await page.keyboard.press('/')
    expect(await page.locator(':focus').getAttribute('id')).toBe('query')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await focusedText()).toBe(await hits().nth(1).textContent())
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.getByRole('group', { name: 'The passage found' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('group', { name: 'The passage found' }).waitFor({ state: 'detached' })
    await page.keyboard.press('ArrowUp')
    expect(await page.locator(':focus').getAttribute('id')).toBe('query')
  })

  it('page says when nothing is found and what to try', async () => {
    await page.goto('/?q=zyzzyva&type=text')
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
    await page.getByRole('button', { name: 'Search without filters' }).click()
    expect(new URL(page.url()).search).toBe('?q=zyzzyva')
    await page.getByRole('link', { name: 'All documents' }).click()
    await listed(/^The keelson keelson\.md/).waitFor()
  })

  it('page quotes a named error and tries again', async () => {
    expected = /status of 503/
    const problem = {
      title: 'Unavailable',
      status: 503,
      detail: 'The index is being read',
      code: 'INDEX_BUSY',
      correlationId: 'c-17',
    }
    await page.route('**/v1/documents/search*', (route) =>
      route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
    )
    await page.goto('/?q=tallow')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    for (const part of ['The index is being read', 'INDEX_BUSY', 'c-17'])
      expect(await alert.textContent()).toContain(part)
    await page.unrouteAll()
    // The page tries again by itself too, and the button goes when that comes first.
    await page
      .getByRole('button', { name: 'Try again' })
      .click({ timeout: 3_000 })
      .catch(() => {})
    await counts('1 passage')
  })

  it('page says that the server cannot be reached', async () => {
    expected = /Failed to load resource/
    await page.goto('/')
    await listed(/^The keelson keelson\.md/).waitFor()
    await page.route('**/v1/**', (route) => route.abort())
    await searchField().fill('tallow')
    await page.getByRole('heading', { name: 'Keelson cannot be reached' }).waitFor()
    await page.unrouteAll()
    // The page tries again by itself too, and the button goes when that comes first.
    await page
      .getByRole('button', { name: 'Try again' })
      .click({ timeout: 3_000 })
      .catch(() => {})
    await counts('1 passage')
  })

  it('page says that a document is no longer there', async () => {
    expected = /status of 404/
    await page.goto('/?q=tallow&document=000000000000000000000000')
    await says('DOCUMENTS_NOT_FOUND')
  })

  it('page takes a file, finds it, and deletes it again', async () => {
    await page.goto('/')
    await says('29 documents')
    const content = Buffer.from('# Careening\n\nThe hull is hove down on a spindrift beach.\n')
    await page
      .getByLabel('Files to add')
      .first()
      .setInputFiles({ name: 'careening.md', mimeType: 'text/markdown', buffer: content })
    await page.getByRole('link', { name: 'careening.md', exact: true }).waitFor()
    await says('30 documents')
    await searchField().fill('spindrift')
    await hits().first().click()
    await opened('Careening').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Keep it' }).click()
    await opened('Careening').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
    await says('29 documents')
  })

  it('page says why a file is refused', async () => {
    expected = /status of 415/
    await page.goto('/')
    const file = { name: 'plan.png', mimeType: 'image/png', buffer: Buffer.from('PNG') }
    await page.getByLabel('Files to add').first().setInputFiles(file)
    await says('DOCUMENTS_FILE_UNSUPPORTED')
  })

  it('page shows markup of a document as text', async () => {
    await page.goto('/')
    const content = Buffer.from('# Danger\n\nA rogue <script>window.harmed = true</script> <b onclick="x">wave</b>.\n')
    await page
      .getByLabel('Files to add')
      .first()
      .setInputFiles({ name: 'danger.md', mimeType: 'text/markdown', buffer: content })
    await page.getByRole('link', { name: 'danger.md', exact: true }).click()
    await opened('Danger').getByText('rogue').waitFor()
    expect(await page.evaluate('window.harmed')).toBeUndefined()
    await opened('Danger').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await opened('Danger').waitFor({ state: 'detached' })
  })
})

describe.skipIf(!browser)('page of an empty index', () => {
  it('page says how to fill it', async () => {
    const system = await startIndexed({})
    const page = await browser?.newPage()
    page?.setDefaultTimeout(patienceMs)
    try {
      await page?.goto(system.url)
      await page?.getByRole('heading', { name: 'Nothing to search yet' }).waitFor()
      expect(await page?.getByRole('button', { name: 'Add files' }).count()).toBe(2)
    } finally {
      await page?.close()
      await system.close()
    }
  })
})
