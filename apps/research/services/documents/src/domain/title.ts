/** What a document is called: what its front matter says, else its first heading, else the name of its file. */
import type { DocumentType } from './decode.ts'

const longestTitle = 300
/** No title needs more of a line. */
const longestLine = 1_000

/** The title of a document, one line of at most 300 UTF-16 units, never empty. Only Markdown has front matter and headings. */
export function titleOf(text: string, path: string, type: DocumentType): string {
  return shorten((type === 'markdown' && titleInside(text)) || '') || shorten(fileName(path)) || path
}

function titleInside(text: string): string | undefined {
  const lines = linesOf(text)
  const header = frontMatter(lines)
  return (header && titleField(header)) || firstHeading(header ? lines : linesOf(text))
}

/** The lines between the fences at the top, taken from `lines`. Without a closing fence it is only a rule at the top. */
function frontMatter(lines: Iterator<string, undefined>): string[] | undefined {
  const fence = lines.next().value?.trimEnd()
  if (fence !== '---' && fence !== '+++') return undefined
  const header: string[] = []
  for (let line = lines.next(); !line.done; line = lines.next()) {
    const text = line.value.trimEnd()
    if (text === fence || (fence === '---' && text === '...')) return header
    header.push(text)
  }
  return undefined
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

function firstHeading(lines: Iterable<string>): string | undefined {
  let codeFence: string | undefined
  let previous = ''
  for (const line of lines) {
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (codeFence !== undefined) {
      if (fence?.startsWith(codeFence)) codeFence = undefined
    } else if (fence !== undefined) codeFence = fence
    else {
      const title = plain(atxHeading(line) ?? (isUnderline(line) ? previous : ''))
      if (title !== '') return title
      previous = isParagraph(line) ? line : ''
    }
  }
  return undefined
}

function atxHeading(line: string): string | undefined {
  return /^ {0,3}#{1,6}[ \t]+(.*)$/.exec(line)?.[1]?.replace(/(^|[ \t])#+[ \t]*$/, '')
}

function isUnderline(line: string): boolean {
  return /^ {0,3}(=+|-{2,})[ \t]*$/.test(line)
}

/** False for what an underline does not turn into a heading: code, lists, quotes and tables. */
function isParagraph(line: string): boolean {
  return !/^( {4}|\t|\s*([-*+>|]|\d+[.)])(\s|$))/.test(line)
}

/** A heading without the marks of inline Markdown. */
function plain(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replaceAll(/(\*\*|__|`+)(\S(?:.*?\S)?)\1/g, '$2')
    .replaceAll(/(^|\s)([*_])(\S(?:.*?\S)?)\2(?=\s|[.,:;!?]|$)/g, '$1$3')
    .replaceAll(/\\([\\`*_{}[\]()#+.!<>|-])/g, '$1')
    .trim()
}

function fileName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.replace(/\.[^.]+$/, '') || name
}

function shorten(title: string): string {
  return cut(title.replaceAll(/\s+/g, ' ').trim(), longestTitle).trimEnd()
}

/** The beginning of a text, without half a surrogate pair at its end, which PostgreSQL does not take. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '')
}

/** The lines of a text without their ends, long ones cut. */
function* linesOf(text: string): Generator<string, undefined> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    yield cut(text.slice(start, end), longestLine).replace(/\r$/, '')
    start = end + 1
  }
  return undefined
}
