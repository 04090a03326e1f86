/** Plain text, and source code by its blocks: both are shown as they stand in the file. */

import { stripVTControlCharacters } from 'node:util'
import { codeEncoding } from './declared-encoding.ts'
import { decode } from './decode.ts'
import { type Extract, type Section, wholeText } from './format.ts'

export const extractText: Extract = (bytes, path) => {
  // Colours of a terminal, which logs are full of, stick to the words beside them.
  const text = stripVTControlCharacters(decode(bytes, path))
  return { text, title: undefined, sections: wholeText(text), hasLines: true }
}

/** A block begins where a line without indentation follows an empty one, so that a function stays whole where it fits. */
export const extractCode: Extract = (bytes, path) => {
  const text = decode(bytes, path, codeEncoding(bytes))
  const starts = [0]
  for (const { index } of text.matchAll(/\n[^\S\n]*\n(?=[^\s)}\]])/g)) starts.push(text.indexOf('\n', index + 1) + 1)
  const sections = starts.map(
    (start, at): Section => ({ start, end: starts[at + 1] ?? text.length, headings: [], page: null }),
  )
  return { text, title: undefined, sections, hasLines: true }
}
