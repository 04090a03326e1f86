/** A text as HTML with the words found marked: everything of the text is escaped, and only the marks are as given. */
import { highlight } from './highlight.ts'

/** `undefined` when nothing is marked. */
export function highlightHtml(
  text: string,
  query: string | readonly string[],
  { before, after }: { readonly before: string; readonly after: string },
): string | undefined {
  const ranges = highlight(text, query)
  if (ranges.length === 0) return undefined
  let html = ''
  let at = 0
  for (const [start, end] of ranges) {
    html += escapeHtml(text.slice(at, start)) + before + escapeHtml(text.slice(start, end)) + after
    at = end
  }
  return html + escapeHtml(text.slice(at))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
