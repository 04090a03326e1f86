/** reStructuredText (.rst): shown as it stands, in sections by its underlined titles. Source: docutils, "Sections". */
import { decode } from './decode.ts'
import type { Extract, Section } from './format.ts'
import { headingPath } from './text-builder.ts'

const underline = /^([!-/:-@[-`{-~])\1{2,}\s*$/
const longestTitle = 200

interface Title {
  readonly start: number
  /** The sign that it is underlined with, twice where a line of it stands above too. */
  readonly sign: string
  readonly text: string
}

export const extractRestructuredText: Extract = (bytes, path) => {
  const text = decode(bytes, path)
  // Which sign is which level is for each document to say: by the order in which they first come.
  const signs: string[] = []
  const sections: Section[] = []
  let open: ReturnType<typeof headingPath> = []
  let title: string | undefined
  let start = 0
  const close = (end: number) => {
    const headings = open.map((heading) => heading.text).filter((heading) => heading !== title)
    if (end > start) sections.push({ start, end, headings, page: null })
    start = end
  }
  for (const one of titlesIn(text)) {
    close(one.start)
    title ??= one.text
    if (!signs.includes(one.sign)) signs.push(one.sign)
    open = headingPath(open, signs.indexOf(one.sign), one.text)
  }
  close(text.length)
  return { text, title, sections, hasLines: true }
}

function* titlesIn(text: string): Generator<Title, void> {
  let before = { start: 0, line: '' }
  let previous = { start: 0, line: '' }
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const line = text.slice(start, Math.min(end, start + 1_000)).trimEnd()
    const title = previous.line.trim()
    const sign = underline.exec(line)?.[1]
    const isOver = sign !== undefined && before.line.startsWith(sign.repeat(3)) && underline.test(before.line)
    const isTitle = title !== '' && !underline.test(title) && title.length <= Math.min(longestTitle, line.length + 2)
    // Only a title with a line above may be indented, and text before it would make it the end of a paragraph.
    if (sign !== undefined && isTitle && (isOver || (before.line === '' && /^\S/.test(previous.line))))
      yield { start: isOver ? before.start : previous.start, sign: isOver ? sign + sign : sign, text: plain(title) }
    before = previous
    previous = { start, line }
    start = end + 1
  }
}

/** Without the marks of inline markup. */
function plain(title: string): string {
  return title.replaceAll(/:[\w:-]+:(?=`)/g, '').replaceAll(/(\*\*|``?|\*)(\S(?:.*?\S)?)\1_{0,2}/g, '$2')
}
