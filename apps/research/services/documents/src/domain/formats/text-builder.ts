/** Gathers the text of a document piece by piece, and the sections it falls into, for formats whose files are no text themselves. */
import { documentsErrors } from '../../errors.ts'
import type { Section } from './format.ts'
import { limits } from './limits.ts'

export class TextBuilder {
  readonly #path: string
  readonly #parts: string[] = []
  readonly #sections: Section[] = []
  #length = 0
  #start = 0
  #headings: readonly string[] = []
  #page: number | null = null
  /** Line ends at the end of the text so far; at its beginning there is nothing to separate. */
  #newlines = 2
  #endsInSpace = true

  constructor(path: string) {
    this.#path = path
  }

  /** Adds words; runs of white space become one space. Throws DOCUMENTS_FILE_TOO_LARGE. */
  words(text: string): void {
    const folded = text.replaceAll('\u0000', ' ').replaceAll(/\s+/g, ' ')
    this.#add(this.#endsInSpace ? folded.trimStart() : folded)
  }

  /** Adds text as it stands, white space included. */
  verbatim(text: string): void {
    this.#add(text.replaceAll('\u0000', ' '))
  }

  /** Sees that what follows begins on a new line, after `blank` empty ones. */
  newline(blank: 0 | 1 = 0): void {
    for (; this.#newlines < blank + 1; this.#newlines++) this.#push('\n')
    this.#endsInSpace = true
  }

  /** What follows stands under other headings, or on another page: a new section begins, on a new line. */
  section(headings: readonly string[], page: number | null = this.#page): void {
    if (this.#length > 0) this.newline(1)
    this.#close()
    this.#headings = headings
    this.#page = page
  }

  /** The text and its sections. */
  end(): { text: string; sections: Section[] } {
    this.#close()
    const text = this.#parts.join('').trimEnd().toWellFormed()
    const sections = this.#sections.map((section) => ({ ...section, end: Math.min(section.end, text.length) }))
    return { text, sections: sections.filter(({ start, end }) => end > start) }
  }

  #close(): void {
    if (this.#length > this.#start)
      this.#sections.push({ start: this.#start, end: this.#length, headings: this.#headings, page: this.#page })
    this.#start = this.#length
  }

  #add(text: string): void {
    if (text === '') return
    this.#push(text)
    const ending = /\n*$/.exec(text)?.[0].length ?? 0
    this.#newlines = ending === text.length ? this.#newlines + ending : ending
    this.#endsInSpace = /\s$/.test(text)
  }

  #push(text: string): void {
    this.#parts.push(text)
    this.#length += text.length
    if (this.#length > limits.textLength)
      throw documentsErrors.DOCUMENTS_FILE_TOO_LARGE({ path: this.#path, limit: limits.textLength })
  }
}

/** The headings a new one of `level` stands under, with itself: those of its own level and below end. */
export function headingPath(
  open: readonly { readonly level: number; readonly text: string }[],
  level: number,
  text: string,
): { readonly level: number; readonly text: string }[] {
  return [...open.filter((heading) => heading.level < level), { level, text }]
}
