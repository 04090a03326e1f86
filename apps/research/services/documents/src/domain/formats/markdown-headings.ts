/** The headings of a Markdown text, in both of its forms, outside of code and front matter. Source: CommonMark 0.31, sections 4.2 and 4.3. */

/** No heading needs more of a line. */
const longestLine = 1_000

export interface MarkdownHeading {
  /** Where its line begins. */
  readonly start: number
  /** 1 to 6. */
  readonly level: number
  /** Without the marks of inline Markdown. */
  readonly text: string
}

export function* headingsIn(text: string): Generator<MarkdownHeading, void> {
  let codeFence: string | undefined
  let previous = { start: 0, text: '' }
  for (const { start, text: line } of linesFrom(text, bodyStart(text))) {
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (codeFence !== undefined) {
      if (fence?.startsWith(codeFence)) codeFence = undefined
    } else if (fence !== undefined) codeFence = fence
    else {
      const hashes = /^ {0,3}(#{1,6})[ \t]+(.*)$/.exec(line)
      const underline = /^ {0,3}(=+|-{2,})[ \t]*$/.exec(line)
      if (hashes?.[1] !== undefined) {
        const heading = plain((hashes[2] ?? '').replace(/(^|[ \t])#+[ \t]*$/, ''))
        if (heading !== '') yield { start, level: hashes[1].length, text: heading }
      } else if (underline && plain(previous.text) !== '')
        yield { start: previous.start, level: line.trim().startsWith('=') ? 1 : 2, text: plain(previous.text) }
      previous = isParagraph(line) ? { start, text: line } : { start, text: '' }
    }
  }
}

/** The lines between the fences at the top; undefined without a closing fence, where the first is only a rule. */
export function frontMatter(text: string): { readonly lines: readonly string[]; readonly end: number } | undefined {
  let fence: string | undefined
  const lines: string[] = []
  for (const { start, text: line, next } of linesFrom(text, 0)) {
    const trimmed = line.trimEnd()
    if (start === 0) {
      if (trimmed !== '---' && trimmed !== '+++') return undefined
      fence = trimmed
    } else if (trimmed === fence || (fence === '---' && trimmed === '...')) return { lines, end: next }
    else lines.push(trimmed)
  }
  return undefined
}

function bodyStart(text: string): number {
  return frontMatter(text)?.end ?? 0
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
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The lines of a text without their ends, long ones cut. */
function* linesFrom(text: string, from: number): Generator<{ start: number; text: string; next: number }, void> {
  for (let start = from; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const line = text.slice(start, Math.min(end, start + longestLine)).replace(/\r$/, '')
    yield { start, text: line.replace(/[\ud800-\udbff]$/, ''), next: end + 1 }
    start = end + 1
  }
}
