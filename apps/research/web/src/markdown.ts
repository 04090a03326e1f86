/**
 * Reads Markdown just far enough to set it well: blocks by line, and a few inline forms. Nothing is rewritten: every part keeps its
 * offsets in the source, so that passages and highlights, which are offsets too, can be marked in what the reader sees.
 */

export type BlockKind =
  | 'paragraph'
  | 'heading-1'
  | 'heading-2'
  | 'heading-3'
  | 'item'
  | 'item-inner'
  | 'numbered'
  | 'quote'
  | 'code'
  | 'verbatim'

export interface Block {
  readonly kind: BlockKind
  /** [start, end) in UTF-16 units of the source. */
  readonly start: number
  readonly end: number
}

export interface Inline {
  /** A `bullet` is the sign before an item: drawn by the stylesheet where items are blocks, to be shown where they are not. */
  readonly kind: 'text' | 'code' | 'strong' | 'emphasis' | 'link' | 'bullet'
  readonly start: number
  readonly end: number
  /** Of a link. */
  readonly href?: string
}

interface Line {
  readonly text: string
  readonly start: number
}

/** Types whose text is set like code. */
const likeCode = new Set(['code', 'json', 'csv', 'xlsx'])

/** Cuts a source into blocks in their order; blank lines and code fences belong to none. Only Markdown has more than one kind. */
export function blocksOf(source: string, type: string): Block[] {
  const blocks: Block[] = []
  let open: { kind: BlockKind; start: number; end: number } | undefined
  let fence = ''
  const close = () => {
    if (open) blocks.push(open)
    open = undefined
  }
  for (const line of linesOf(source)) {
    const end = line.start + line.text.length
    const marker = type === 'markdown' ? fenceOf(line.text) : ''
    if (marker && (fence === '' || marker.startsWith(fence))) {
      close()
      fence = fence === '' ? marker : ''
      continue
    }
    const kind = fence ? 'code' : kindOf(line.text, type)
    if (kind === undefined) close()
    else if (open && (kind === open.kind || continues(open.kind, kind)) && !startsAnew(kind)) open.end = end
    else {
      close()
      open = { kind, start: line.start, end }
    }
  }
  close()
  return blocks
}

/** The blocks with none of them crossing `offset`. */
export function cutAt(blocks: readonly Block[], offset: number): readonly Block[] {
  return blocks.flatMap((block) =>
    block.start < offset && offset < block.end
      ? [
          { ...block, end: offset },
          { ...block, start: offset },
        ]
      : [block],
  )
}

/** The inline parts between `start` and `end`, in order; marks such as `**` and the addresses of links are in none of them. */
export function inlinesOf(source: string, start: number, end: number): Inline[] {
  const parts: Inline[] = []
  let from = start
  const text = (to: number) => {
    if (to > from) parts.push({ kind: 'text', start: from, end: to })
  }
  for (const match of source.slice(start, end).matchAll(inlineForms)) {
    const at = start + match.index
    text(at)
    from = at + match[0].length
    const part = inlineOf(match, at)
    if (part && part.end > part.start) parts.push(part)
  }
  text(end)
  return parts
}

/**
 * Each is bounded, so that text which only looks like Markdown costs no more than its length. A passage may begin inside a fence: one
 * without a language, followed by one with a language, was the end of that.
 */
const inlineForms = new RegExp(
  [
    /^[ \t]*(?<fence>`{3,10}|~{3,10})(?:[^\n]*\w[^\n]*)\n(?<fenced>[\s\S]{0,5000}?)(?:\n[ \t]*\k<fence>[ \t]*(?:\n|$)|(?![\s\S]))/,
    /^[ \t]*(?<bareFence>`{3,10}|~{3,10})[ \t]*\n(?<bareFenced>(?:(?!\n[ \t]*(?:`{3}|~{3})[^\n]*\w)[\s\S]){0,5000}?)\n[ \t]*\k<bareFence>[ \t]*(?:\n|$)/,
    /^[ \t]*(?:`{3}|~{3})[^\n]*$/,
    /(?<!`)(?<ticks>`{1,3})(?<code>[^`\n][^`]{0,1000})\k<ticks>(?!`)/,
    /(?<stars>\*\*|__)(?<strong>\S[^*_\n]{0,1000}?)\k<stars>/,
    /(?<![\w*_])(?<star>[*_])(?<emphasis>[^\s*_][^*_\n]{0,1000}?)\k<star>(?![\w*_])/,
    /\[?!\[(?<image>[^\]]{0,500})\](?:\([^)\s]{0,2000}(?:\s"[^"]{0,500}")?\)|\[[^\]]{0,500}\])(?:\]\([^)\s]{0,2000}\))?/,
    /\[(?<link>[^[\]]{1,500})\]\((?<href>[^)\s]{0,2000})(?:\s"[^"]{0,500}")?\)/,
    /<!--[\s\S]{0,2000}?-->/,
    /<\/?(?:a|b|br|center|code|dd|details|div|dl|dt|em|h[1-6]|hr|i|img|kbd|li|ol|p|picture|source|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul)\b[^<>]{0,1000}>/,
    /^[ \t]{0,3}#{1,6}[ \t]+/,
    /^[ \t]*>[ \t]?/,
    /^[ \t]*(?<bullet>[-*+][ \t]+)(?:\[[ xX]\][ \t]+)?/,
    /^[ \t]*[-=*_]{3,}[ \t]*$/,
  ]
    .map((form) => form.source)
    .join('|'),
  'gimu',
)

function inlineOf(match: RegExpExecArray, at: number): Inline | undefined {
  const { fenced, bareFenced, ticks, code, stars, strong, emphasis, bullet, image, link, href } = match.groups ?? {}
  const inner = (kind: Inline['kind'], text: string, offset: number) => ({
    kind,
    start: at + offset,
    end: at + offset + text.length,
  })
  const inFence = fenced ?? bareFenced
  if (inFence !== undefined) return inner('code', inFence, match[0].indexOf('\n') + 1)
  if (code !== undefined) return inner('code', code, ticks?.length ?? 0)
  if (strong !== undefined) return inner('strong', strong, stars?.length ?? 0)
  if (emphasis !== undefined) return inner('emphasis', emphasis, 1)
  if (bullet !== undefined) return inner('bullet', bullet, match[0].indexOf(bullet))
  if (image !== undefined) return inner('text', image, match[0].indexOf('![') + 2)
  if (link !== undefined)
    return href && /^https?:/i.test(href) ? { ...inner('link', link, 1), href } : inner('text', link, 1)
  return undefined
}

function* linesOf(source: string): Generator<Line> {
  let start = 0
  while (start <= source.length) {
    const newline = source.indexOf('\n', start)
    const end = newline === -1 ? source.length : newline
    const text = source.slice(start, end)
    yield { text: text.endsWith('\r') ? text.slice(0, -1) : text, start }
    start = end + 1
  }
}

function fenceOf(line: string): string {
  return /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? ''
}

function kindOf(line: string, type: string): BlockKind | undefined {
  if (line.trim() === '') return undefined
  if (likeCode.has(type)) return 'code'
  if (type !== 'markdown') return 'verbatim'
  const heading = /^ {0,3}(#{1,6})\s/.exec(line)?.[1]?.length
  if (heading) return heading === 1 ? 'heading-1' : heading === 2 ? 'heading-2' : 'heading-3'
  if (/^\s*\d{1,3}[.)]\s/.test(line)) return 'numbered'
  if (/^\s*[-*+]\s/.test(line)) return /^\s{2}/.test(line) ? 'item-inner' : 'item'
  if (/^\s*>/.test(line)) return 'quote'
  if (/^\s*\|/.test(line) || /^ {4}|^\t/.test(line)) return 'code'
  return 'paragraph'
}

/** A line of text after an item or a quotation belongs to it, indented or not. */
function continues(open: BlockKind, kind: BlockKind): boolean {
  return (isItem(open) || open === 'quote') && (kind === 'paragraph' || kind === 'code')
}

function startsAnew(kind: BlockKind): boolean {
  return isItem(kind) || kind.startsWith('heading')
}

function isItem(kind: BlockKind): boolean {
  return kind === 'item' || kind === 'item-inner' || kind === 'numbered'
}
