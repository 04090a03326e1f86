/**
 * The text of a document with one passage marked. A document may be of megabytes: only the surroundings of the passage are put on the
 * page, and more of it when the reader asks.
 */
import { type ReactNode, type RefObject, useMemo, useState } from 'react'
import type { OpenDocument } from './api.ts'
import { type Block, blocksOf, cutAt } from './markdown.ts'
import { MarkedText } from './marked-text.tsx'
import type { Range } from './marks.ts'

/** About thirty printed pages. */
const windowLength = 60_000

interface DocumentTextProps {
  readonly document: OpenDocument
  readonly passage: Range | undefined
  readonly marks: readonly Range[]
  readonly passageRef: RefObject<HTMLDivElement | null>
}

/** To be given a `key` per document and passage: what was unfolded belongs to one of them. */
export function DocumentText({ document, passage, marks, passageRef }: DocumentTextProps): ReactNode {
  const blocks = useMemo(() => blocksOf(document.text, document.type), [document.text, document.type])
  const [shown, setShown] = useState<Range>(() => {
    const middle = passage?.[0] ?? 0
    return [Math.max(0, middle - windowLength / 2), middle + windowLength]
  })
  const [from, to] = passage ?? [0, 0]
  const visible = [from, to, ...shown]
    .reduce(cutAt, blocks)
    .filter((block) => block.end > shown[0] && block.start < shown[1])
  const draw = (part: readonly Block[]) =>
    part.map((block) => (
      <p key={block.start} className={`block ${block.kind}`}>
        <MarkedText
          source={document.text}
          block={[block.start, endOf(document.text, block)]}
          marks={marks}
          markdown={document.type === 'markdown' && block.kind !== 'code'}
        />
      </p>
    ))
  return (
    <div className="document-text">
      {shown[0] > 0 && (
        <button
          type="button"
          className="quiet unfold"
          onClick={() => setShown([Math.max(0, shown[0] - windowLength), shown[1]])}
        >
          Show earlier text
        </button>
      )}
      {draw(visible.filter((block) => block.end <= from))}
      {passage && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls; this groups a part of a text
        <div className="passage" role="group" aria-label="The passage found" ref={passageRef}>
          {draw(visible.filter((block) => block.start >= from && block.end <= to))}
        </div>
      )}
      {draw(visible.filter((block) => block.start >= to && block.end > from))}
      {shown[1] < document.text.length && (
        <button type="button" className="quiet unfold" onClick={() => setShown([shown[0], shown[1] + windowLength])}>
          Show later text
        </button>
      )}
    </div>
  )
}

/** Where the text of a block ends: one cut by the passage may have blank lines at its end. */
function endOf(source: string, block: Block): number {
  return block.start + source.slice(block.start, block.end).trimEnd().length
}
