/** Every code the page's backend can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from '@keelson/kernel'

export const bffErrors = defineErrors({
  BFF_PAGE_NOT_BUILT: {
    kind: 'unavailable',
    when: 'The page has not been built; `npm start` does that.',
    message: (d: { folder: string }) => `Cannot serve the page: "${d.folder}" is missing. Build it with: npm run setup`,
  },
})
