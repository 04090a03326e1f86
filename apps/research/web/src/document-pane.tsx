/** The open document beside the list, or over it where there is no room: opened at its passage, and left as it was entered. */
import { type ReactNode, useEffect, useMemo, useRef } from 'react'
import { type Hit, type OpenDocument, readDocument } from './api.ts'
import { DeleteButton } from './delete-button.tsx'
import { DocumentText } from './document-text.tsx'
import type { Range } from './marks.ts'
import { Failure, Waiting } from './notices.tsx'
import { closeDocument, type Place } from './place.ts'
import { useAnswer } from './use-answer.ts'
import { bytesInWords, counted, dateInWords } from './words.ts'

interface DocumentPaneProps {
  readonly place: Place
  readonly revision: string
  /** The passages found, which know where the words searched for stand. */
  readonly hits: readonly Hit[]
  readonly onRemoved: (document: OpenDocument) => void
}

export function DocumentPane({ place, revision, hits, onRemoved }: DocumentPaneProps): ReactNode {
  const answer = useAnswer(place.document, revision, (signal) => readDocument(place.document, signal))
  const document = answer.value?.id === place.document ? answer.value : undefined
  const passage = document?.passages.find(({ chunkId }) => chunkId === place.chunk)
  // A hit may be wider than the passage that found it: its neighbours are shown with it.
  const shown = passage && (hits.find(({ chunkId }) => chunkId === passage.chunkId) ?? passage)
  const marks = useMemo(() => (document ? marksIn(document, hits) : []), [document, hits])
  const pane = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const passageElement = useRef<HTMLDivElement>(null)

  const opened = document ? `${document.id}/${place.chunk}` : ''
  useEffect(() => {
    if (!opened || !pane.current) return
    heading.current?.focus({ preventScroll: true })
    bringIntoView(pane.current, passageElement.current)
  }, [opened])

  return (
    <section
      className="document"
      aria-label={document ? undefined : 'Document'}
      aria-labelledby={document && 'document-title'}
      ref={pane}
    >
      <div className="document-bar">
        <button type="button" className="quiet close" onClick={closeDocument}>
          <span className="from-narrow">
            <span aria-hidden="true">← </span>
            {place.query.trim() ? 'Back to the passages' : 'Back to the documents'}
          </span>
          <span className="from-wide">Close</span>
        </button>
        <span className="bar-title" aria-hidden="true">
          {document?.title}
        </span>
        {document && <DeleteButton document={document} onRemoved={() => onRemoved(document)} />}
      </div>
      {answer.failure && <Failure failure={answer.failure} onRetry={answer.retry} />}
      {!document && !answer.failure && <Waiting label="The document is being opened" />}
      {document && (
        <article>
          <h2 id="document-title" tabIndex={-1} ref={heading}>
            {document.title}
          </h2>
          <p className="document-facts">
            <span className="entry-path">{document.path}</span>
            <span>
              {counted(document.chunks, 'passage')}, {bytesInWords(document.bytes)}, changed{' '}
              {dateInWords(document.modifiedAt)}
            </span>
          </p>
          {place.chunk && !passage && (
            <p className="changed">The passage is no longer here: the document has changed since it was found.</p>
          )}
          <DocumentText
            key={`${opened}/${document.indexedAt}`}
            document={document}
            passage={shown && [shown.start, shown.end]}
            marks={marks}
            passageRef={passageElement}
          />
        </article>
      )}
    </section>
  )
}

function marksIn(document: OpenDocument, hits: readonly Hit[]): Range[] {
  return hits
    .filter((hit) => hit.documentId === document.id)
    .flatMap((hit) => hit.highlights.map(([from, to]): Range => [hit.start + from, hit.start + to]))
}

/** Scrolls what scrolls: the pane where it stands beside the list, else the page. */
function bringIntoView(pane: HTMLElement, passage: HTMLElement | null): void {
  const beside = getComputedStyle(pane).overflowY === 'auto'
  const scroller = beside ? pane : window.document.documentElement
  const top = beside ? pane.getBoundingClientRect().top : 0
  const room = scroller.clientHeight / 5
  scroller.scrollTop = passage ? scroller.scrollTop + passage.getBoundingClientRect().top - top - room : 0
}
