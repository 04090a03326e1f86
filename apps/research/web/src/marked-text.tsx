/** Text of a document as the reader sees it: Markdown set as such, the words searched for marked. Built of elements, never of HTML. */
import type { ReactNode } from 'react'
import { type Inline, inlinesOf } from './markdown.ts'
import { piecesOf, type Range } from './marks.ts'

interface MarkedTextProps {
  readonly source: string
  /** The block the text stands in: a link or a code is read as a whole, also when `shown` cuts it. */
  readonly block: Range
  /** The part of the block that is drawn. */
  readonly shown?: Range
  readonly marks: readonly Range[]
  readonly markdown: boolean
  /** Drawn as one run of text inside something else: no links, and items are told apart by a sign. */
  readonly inline?: boolean
}

export function MarkedText({
  source,
  block,
  shown = block,
  marks,
  markdown,
  inline = false,
}: MarkedTextProps): ReactNode {
  const parts: readonly Inline[] = markdown
    ? inlinesOf(source, ...block)
    : [{ kind: 'text', start: block[0], end: block[1] }]
  return parts.map((part) => {
    const start = Math.max(part.start, shown[0])
    const end = Math.min(part.end, shown[1])
    if (start >= end) return null
    if (part.kind === 'bullet') return inline && start > shown[0] && '· '
    const inner = piecesOf(start, end, marks).map((piece) => {
      const text = source.slice(piece.start, piece.end)
      return piece.marked ? <mark key={piece.start}>{text}</mark> : text
    })
    if (part.kind === 'code') return <code key={part.start}>{inner}</code>
    if (part.kind === 'strong') return <strong key={part.start}>{inner}</strong>
    if (part.kind === 'emphasis') return <em key={part.start}>{inner}</em>
    if (part.kind === 'link' && !inline)
      return (
        <a key={part.start} href={part.href} target="_blank" rel="noreferrer">
          {inner}
        </a>
      )
    return <span key={part.start}>{inner}</span>
  })
}
