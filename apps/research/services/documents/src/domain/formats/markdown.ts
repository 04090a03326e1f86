/** Markdown: shown as it stands, but for comments and what stands for single characters, in sections by its headings. */
import { documentsErrors } from '../../errors.ts'
import { titleInMarkdown } from '../title.ts'
import { decode } from './decode.ts'
import type { Extract, Section } from './format.ts'
import { headingsIn } from './markdown-headings.ts'
import { readableMarkdown } from './markdown-text.ts'
import { headingPath } from './text-builder.ts'

export const extractMarkdown: Extract = (bytes, path) => {
  const text = readableMarkdown(decode(bytes, path), /\.mdx$/i.test(path) ? 'mdx' : 'markdown')
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const title = titleInMarkdown(text)
  let open: ReturnType<typeof headingPath> = []
  let start = 0
  const sections: Section[] = []
  const close = (end: number) => {
    const headings = open.map((heading) => heading.text).filter((heading) => heading !== title)
    if (end > start) sections.push({ start, end, headings, page: null })
    start = end
  }
  for (const heading of headingsIn(text)) {
    close(heading.start)
    open = headingPath(open, heading.level, heading.text)
  }
  close(text.length)
  return { text, title, sections, hasLines: true }
}
