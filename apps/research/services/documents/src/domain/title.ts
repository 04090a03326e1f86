/** What a document is called: what it says itself, else the name of its file. */
import { frontMatter, headingsIn } from './formats/markdown-headings.ts'

const longestTitle = 300

/** One line of at most 300 UTF-16 units, never empty. */
export function titleOf(ownTitle: string | undefined, path: string): string {
  return shorten(ownTitle ?? '') || shorten(fileName(path)) || path
}

/** The title in the front matter, else the first heading; undefined where there is neither. */
export function titleInMarkdown(text: string): string | undefined {
  const title = titleField(frontMatter(text)?.lines ?? [])
  if (title) return shorten(title)
  const [first] = headingsIn(text)
  return first && shorten(first.text)
}

function titleField(header: readonly string[]): string {
  for (const line of header) {
    const value = /^title\s*[:=](.*)$/i.exec(line)?.[1]
    if (value !== undefined) return unquote(value.trim()).trim()
  }
  return ''
}

function unquote(value: string): string {
  if (/^".*"$/.test(value)) return value.slice(1, -1).replaceAll(/\\(["\\])/g, '$1')
  if (/^'.*'$/.test(value)) return value.slice(1, -1).replaceAll("''", "'")
  // A block scalar (`>` or `|`) has its text on other lines.
  return /^[>|][+-]?$/.test(value) ? '' : value.replace(/\s+#.*$/, '')
}

function fileName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.replace(/\.[^.]+$/, '') || name
}

/** Without half a surrogate pair at its end, which PostgreSQL does not take. */
function shorten(title: string): string {
  return title
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, longestTitle)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()
}
