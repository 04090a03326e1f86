/** The page and the API reference under axe: on a phone and a desk, light and dark, in the states a reader meets. */
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserForSuite, patienceMs } from './browser.ts'
import { harbourDocuments } from './harbour-documents.ts'
import { type IndexedSystem, startIndexed } from './indexed-system.ts'

const browser = await browserForSuite()

const states: readonly { readonly name: string; readonly show: (page: Page) => Promise<void> }[] = [
  {
    name: 'all documents',
    show: async (page) => {
      await page.goto('/')
      await page.getByText('1 file could not be read').waitFor()
    },
  },
  {
    name: 'kept searches',
    show: async (page) => {
      await page.goto('/?q=keelson')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('searchbox').fill('tallow')
      await page.getByRole('searchbox').press('Enter')
      await page.goto('/')
      await page.getByRole('heading', { name: 'Saved searches' }).waitFor()
    },
  },
  {
    name: 'the state of the index',
    show: async (page) => {
      await page.goto('/?view=indexing')
      await page.getByText('damaged.md', { exact: true }).waitFor()
    },
  },
  {
    name: 'passages found',
    show: async (page) => {
      await page.goto('/?q=keelson')
      await page.locator('.result-count', { hasText: '2 passages' }).waitFor()
    },
  },
  {
    name: 'an open document',
    show: async (page) => {
      await page.goto('/?q=tallow')
      await page.getByRole('list', { name: 'Passages found' }).getByRole('link').first().click()
      await page.getByRole('group', { name: 'The passage found' }).waitFor()
    },
  },
  {
    name: 'nothing found',
    show: async (page) => {
      await page.goto('/?q=zyzzyva')
      await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
    },
  },
  {
    name: 'a failure',
    show: async (page) => {
      await page.route('**/v1/**', (route) => route.abort())
      await page.goto('/?q=keelson')
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'a question before deleting',
    show: async (page) => {
      await page.goto('/')
      await page.getByRole('link', { name: /^The keelson keelson\.md/ }).click()
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'the API reference',
    show: async (page) => {
      await page.goto('/docs')
      const operation = page.getByRole('region', { name: /\/v1\/documents\/search/ })
      await operation.getByText('Try it').click()
      await operation.getByLabel('query').fill('keelson')
      await operation.getByRole('button', { name: 'Send' }).click()
      await operation.getByText('"total": 2').waitFor()
    },
  },
]

describe.skipIf(!browser)('accessibility', () => {
  let system: IndexedSystem

  beforeAll(async () => {
    system = await startIndexed(harbourDocuments)
  })

  afterAll(async () => {
    await browser?.close()
    await system?.close()
  })

  for (const width of [390, 1280])
    for (const colorScheme of ['light', 'dark'] as const)
      it.each(states)(`axe() finds nothing in $name (${width} px, ${colorScheme})`, async ({ show }) => {
        const page = await browser?.newPage({
          viewport: { width, height: 844 },
          colorScheme,
          reducedMotion: 'reduce',
          baseURL: system.url,
        })
        if (!page) return
        page.setDefaultTimeout(patienceMs)
        try {
          await show(page)
          await page.evaluate(axe.source)
          expect(await page.evaluate(violations)).toEqual([])
          expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
        } finally {
          await page.close()
        }
      })
})

/** Runs in the browser, hence as text: this file is compiled without the types of the DOM. */
const violations = `axe.run(document).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).join(', ')))`
