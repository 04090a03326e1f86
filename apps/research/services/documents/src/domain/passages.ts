/**
 * Cuts a document into passages along its structure: sections are kept whole where they fit, short ones share a passage with their
 * neighbours, long ones are cut with an overlap. No passage reaches over two pages.
 */
import { chunk, overlongWords, wordsIn } from './chunk.ts'
import type { Extraction, Section } from './formats/format.ts'

export interface Passage {
  /** [start, end) in UTF-16 units of the document's text. */
  readonly start: number
  readonly end: number
  /** The headings it stands under, the outermost first. */
  readonly headings: readonly string[]
  readonly page: number | null
  /** First and last line in the file, from 1; null where the text is not the file's own. */
  readonly lines: readonly [first: number, last: number] | null
}

/** A passage with so many words need not grow: the next section begins another. */
const enoughWords = 128
/** With fewer it is no passage of its own as long as there is something to share one with. */
const fewestWords = 32
/** Deeper headings say little of what a passage is about. */
const deepestHeading = 6
const longestHeadings = 500

/** What stands before a passage where it is indexed or embedded: the title of its document and the headings above it. */
export function titleWithHeadings(title: string, headings: readonly string[]): string {
  return [title, ...headings].join(' › ')
}

export function passagesOf({ text, sections, hasLines }: Extraction): Passage[] {
  const lineAt = hasLines ? lineCounter(text) : undefined
  return groupsOf(text, sections).flatMap((group) => {
    const [first] = group
    const start = first?.start ?? 0
    const end = group.at(-1)?.end ?? start
    return chunk(text, start, end).map((span): Passage => {
      const own = group.filter((section) => section.start < span.end && section.end > span.start)
      return {
        ...span,
        headings: bounded(headingsOf(text, own)),
        page: first?.page ?? null,
        lines: lineAt ? [lineAt(span.start), lineAt(Math.max(span.start, lastCharacter(text, span)))] : null,
      }
    })
  })
}

/** Neighbouring sections that make a passage together, or one that is to be cut by itself. */
function groupsOf(text: string, sections: readonly Section[]): Section[][] {
  const groups: Section[][] = []
  let group: Section[] = []
  let words = 0
  for (const section of sections) {
    if (text.slice(section.start, section.end).trim() === '') continue
    const own = wordsIn(text, section.start, section.end)
    const isFull = words >= enoughWords || words + own > overlongWords || (words >= fewestWords && own >= enoughWords)
    if (group.length > 0 && ((isFull && words >= fewestWords) || group[0]?.page !== section.page)) {
      groups.push(group)
      group = []
      words = 0
    }
    group.push(section)
    words += own
  }
  if (group.length > 0) groups.push(group)
  return groups
}

/** The headings of the section that makes up most of a passage; without one, what all stand under, or else those of the first. */
function headingsOf(text: string, sections: readonly Section[]): readonly string[] {
  const [first, ...others] = sections
  const words = sections.map(({ start, end }) => wordsIn(text, start, end))
  const all = words.reduce((sum, one) => sum + one, 0)
  const main = sections.find((_, at) => (words[at] ?? 0) > all / 2)
  if (main) return main.headings
  const headings = first?.headings ?? []
  const shared = headings.findIndex((heading, depth) => others.some((other) => other.headings[depth] !== heading))
  return shared > 0 ? headings.slice(0, shared) : headings
}

function bounded(headings: readonly string[]): string[] {
  let left = longestHeadings
  return headings.slice(0, deepestHeading).flatMap((heading) => {
    const shown = heading.slice(0, left).replace(/[\ud800-\udbff]$/, '')
    left -= shown.length
    return shown === '' ? [] : [shown]
  })
}

function lastCharacter(text: string, { start, end }: { start: number; end: number }): number {
  return start + text.slice(start, end).trimEnd().length - 1
}

/** The line that a position is in, for positions that are asked in about ascending order. It is the one from `at` to `end`. */
function lineCounter(text: string): (position: number) => number {
  let line = 1
  let at = 0
  let end = text.indexOf('\n')
  return (position) => {
    // Passages overlap, so that the next begins a little before the last one ended.
    for (; position < at; line--) {
      end = at - 1
      at = end === 0 ? 0 : text.lastIndexOf('\n', end - 1) + 1
    }
    for (; end !== -1 && end < position; line++) {
      at = end + 1
      end = text.indexOf('\n', at)
    }
    return line
  }
}
