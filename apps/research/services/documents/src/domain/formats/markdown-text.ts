/**
 * Markdown as a reader finds it: without comments, with characters instead of their entities and escapes inside words. Lines stay where
 * they are, and it is Markdown that shows the same as before.
 */
import { decodeHTMLStrict } from 'entities'
import { fenceAfter, type MarkdownFence } from './markdown-headings.ts'

/** Comments of MDX look otherwise. */
const comments = { markdown: /`+|<!--/g, mdx: /`+|<!--|\{\/\*/g } as const
const hiddenDefinition = /^ {0,3}\[(?:\/\/|comment)\]:\s.*$/i

export function readableMarkdown(text: string, kind: keyof typeof comments): string {
  if (!/[<&\\{]|\]:/.test(text)) return text
  const bare = withoutComments(text, comments[kind])
  let fence: MarkdownFence | undefined
  return bare
    .split('\n')
    .map((line) => {
      const before = fence
      fence = fenceAfter(fence, line)
      if (before || fence) return line
      return hiddenDefinition.test(line) ? '' : readableLine(line)
    })
    .join('\n')
}

/** Comments go, their line ends stay. What looks like one inside of code is none. */
function withoutComments(text: string, opening: RegExp): string {
  if (!/<!--|\{\/\*/.test(text)) return text
  const parts: string[] = []
  const search = new RegExp(opening)
  let from = 0
  for (let match = search.exec(text); match; match = search.exec(text)) {
    const { index } = match
    const [sign] = match
    if (sign.startsWith('`')) {
      search.lastIndex = endOfCode(text, index, sign)
      continue
    }
    const closing = sign === '<!--' ? '-->' : '*/}'
    const end = text.indexOf(closing, index + sign.length)
    // One that is never closed is text.
    if (end < 0) break
    parts.push(text.slice(from, index), text.slice(index, end).replaceAll(/[^\n]+/g, ''))
    from = end + closing.length
    search.lastIndex = from
  }
  return [...parts, text.slice(from)].join('')
}

/** Behind the run of as many backticks, within the paragraph, or the block where the run begins its line; else behind the run itself. */
function endOfCode(text: string, start: number, run: string): number {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const isFence = run.length >= 3 && /^[ \t>]*$/.test(text.slice(lineStart, start).slice(0, 100))
  const next = new RegExp(isFence ? `\\n[ \\t>]*${run}` : `(?<!\`)${run}(?!\`)|\\n[ \\t]*\\r?\\n`, 'g')
  next.lastIndex = start + run.length
  const match = next.exec(text)
  if (!match) return isFence ? text.length : start + run.length
  return match[0].endsWith('`') ? match.index + match[0].length : start + run.length
}

function readableLine(line: string): string {
  if (!/[&\\]/.test(line) || /^(?: {4}|\t)/.test(line)) return line
  return line
    .split(/(`[^`]*`)/)
    .map((piece, at) => (at % 2 === 1 ? piece : readableWords(piece)))
    .join('')
}

const entity = /&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});/g

function readableWords(text: string): string {
  return text
    .replaceAll(entity, (source, at: number) => {
      const character = decodeHTMLStrict(source)
      return isPlain(character, text, at, source.length) ? character : source
    })
    .replaceAll(/(?<=[\p{L}\p{N}])\\([_.@'&-])(?=[\p{L}\p{N}])/gu, '$1')
    .replaceAll(/(?<=[\p{L}\p{N}+#])\\([+#])/gu, '$1')
}

/** Whether a character means no more to Markdown and HTML than itself, where it stands. */
function isPlain(character: string, text: string, at: number, length: number): boolean {
  const rest = text.slice(at + length, at + length + 40)
  if (character === '&') return !/^(?:#\w+|\w+);/.test(rest)
  if (character === '<') return /^\s/.test(rest)
  if (character === '>') return text.slice(0, at).trim() !== ''
  if (character === "'" || character === '"') return !text.includes('<')
  return /^(?:[A-Za-z\d]|[^\p{ASCII}\p{Cc}]+)$/u.test(character)
}
