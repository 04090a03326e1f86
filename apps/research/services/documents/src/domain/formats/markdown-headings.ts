/**
 * The headings of a Markdown text, in both of its forms, outside of code, HTML and front matter. Source: CommonMark 0.31, sections 4.2, 4.3
 * and 4.6.
 */

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

/** What opened a block of code, which the same sign closes. */
export type MarkdownFence = string

export function* headingsIn(text: string): Generator<MarkdownHeading, void> {
  let fence: MarkdownFence | undefined
  let html: RegExp | undefined
  const paragraph = new Paragraph()
  for (const { start, text: line } of linesFrom(text, bodyStart(text))) {
    const wasCode = fence !== undefined
    fence = html ? undefined : fenceAfter(fence, line)
    if (wasCode || fence !== undefined) {
      paragraph.end()
      continue
    }
    if (html) {
      if (html.test(line)) html = undefined
      continue
    }
    html = htmlEnd(line, paragraph.isOpen)
    if (html) {
      paragraph.end()
      if (html !== blankLine && html.test(line)) html = undefined
      continue
    }
    const hashes = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/.exec(line)
    const underline = /^ {0,3}(=+|-{2,})[ \t]*$/.exec(line)
    if (hashes?.[1] !== undefined) {
      const heading = plain((hashes[2] ?? '').replace(/(^|[ \t])#+[ \t]*$/, ''))
      if (heading !== '') yield { start, level: hashes[1].length, text: heading }
      paragraph.end()
    } else if (underline && paragraph.isOpen) {
      const heading = plain(paragraph.text)
      if (heading !== '') yield { start: paragraph.start, level: line.trim().startsWith('=') ? 1 : 2, text: heading }
      paragraph.end()
    } else paragraph.add(line, start)
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

/** The fence that is open after a line, given the one before it. */
export function fenceAfter(fence: MarkdownFence | undefined, line: string): MarkdownFence | undefined {
  if (fence !== undefined) {
    const closing = /^ {0,3}(`{3,}|~{3,})[ \t\r]*$/.exec(line)?.[1]
    return closing?.startsWith(fence) ? undefined : fence
  }
  return /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1]
}

function bodyStart(text: string): number {
  return frontMatter(text)?.end ?? 0
}

/** The paragraph that is open: an underline turns all of it into a heading. */
class Paragraph {
  start = 0
  text = ''
  /** Lines below an item of a list go on with it. */
  #isItem = false

  get isOpen(): boolean {
    return this.text !== ''
  }

  add(line: string, start: number): void {
    if (line.trim() === '') {
      this.end()
      return
    }
    if (!this.isOpen && !this.#isItem && isParagraph(line)) this.start = start
    if (isParagraph(line) && !this.#isItem) this.text = `${this.text} ${line.trim()}`.slice(0, longestLine)
    else {
      this.end()
      this.#isItem = true
    }
  }

  end(): void {
    this.text = ''
    this.#isItem = false
  }
}

/** False for what an underline does not turn into a heading: code, lists, quotes and tables. */
function isParagraph(line: string): boolean {
  return !/^( {4}|\t|\s*([-*+>|]|\d+[.)])(\s|$))/.test(line)
}

const blankLine = /^\s*$/
const blocks =
  'address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul'
const blockTag = new RegExp(`^ {0,3}</?(?:${blocks})(?:\\s|/?>|$)`, 'i')

/** What ends the HTML that a line begins; undefined where it begins none. */
function htmlEnd(line: string, isInParagraph: boolean): RegExp | undefined {
  if (!/^ {0,3}</.test(line)) return undefined
  const literal = /^ {0,3}<(pre|script|style|textarea)(?:\s|>|$)/i.exec(line)?.[1]
  if (literal !== undefined) return /<\/(?:pre|script|style|textarea)>/i
  if (/^ {0,3}<!--/.test(line)) return /-->/
  if (/^ {0,3}<\?/.test(line)) return /\?>/
  if (/^ {0,3}<!\[CDATA\[/.test(line)) return /\]\]>/
  if (/^ {0,3}<![A-Za-z]/.test(line)) return />/
  if (blockTag.test(line)) return blankLine
  return !isInParagraph && /^ {0,3}<\/?[A-Za-z][\w-]*(?:\s[^<>]*)?>\s*$/.test(line) ? blankLine : undefined
}

/** A heading without the marks of inline Markdown. */
function plain(heading: string): string {
  return heading
    .replaceAll(/<br\s*\/?>/gi, ' ')
    .replaceAll(/<\/?[A-Za-z][\w-]*(?:\s[^<>]*)?\/?>/g, '')
    .replace(/\s*\{#[\w-]+\}\s*$/, '')
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
