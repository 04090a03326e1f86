/**
 * What reads a kind of file: from bytes to the text that is shown and searched, with the structure it has. A format is one file here and
 * one line in `formats.ts`.
 */

/** A stretch of the text that hangs together. */
export interface Section {
  /** [start, end) in UTF-16 units of the text. */
  readonly start: number
  readonly end: number
  /** The headings it stands under, the outermost first, without the title of the document. */
  readonly headings: readonly string[]
  /** The page, slide or sheet it is on, from 1; null where there are none. Passages never reach over two. */
  readonly page: number | null
}

export interface Extraction {
  /** As people read it. Where the file itself is text it is that text, so that offsets are those of the file. */
  readonly text: string
  /** What the document calls itself; undefined where it does not. */
  readonly title: string | undefined
  /** Ascending and apart from each other; they cover all that is to be found. */
  readonly sections: readonly Section[]
  /** Whether `text` is the text of the file, so that its lines are those of the file. */
  readonly hasLines: boolean
}

/**
 * Promises: the same bytes give the same extraction. What cannot be read is refused with a DOCUMENTS_FILE_ error that names the reason;
 * nothing outside the bytes is read or fetched. Memory is bounded by the size of the file and the limits in `limits.ts`.
 *
 * @param path for messages, and for what a name says of its content.
 */
export type Extract = (bytes: Uint8Array, path: string) => Extraction | Promise<Extraction>

/** One section over all of a text, without its white space at both ends. */
export function wholeText(text: string): Section[] {
  return [{ start: 0, end: text.length, headings: [], page: null }]
}
