/** The passages found, as a list of links: each opens its document at the passage. */
import type { ReactNode } from 'react'
import type { Hit, SearchAnswer } from './api.ts'
import { moveAmongEntries } from './keyboard.ts'
import { MarkedText } from './marked-text.tsx'
import { snippetRange } from './marks.ts'
import type { Place } from './place.ts'
import { PlaceLink } from './place-link.tsx'
import { counted, dateInWords } from './words.ts'

interface HitsProps {
  readonly place: Place
  readonly answer: SearchAnswer
  readonly onMore: () => void
}

export function Hits({ place, answer, onMore }: HitsProps): ReactNode {
  const left = answer.totalHits - answer.hits.length
  return (
    <>
      <ol className="entries" aria-label="Passages found" onKeyDown={moveAmongEntries}>
        {answer.hits.map((hit) => (
          <li key={hit.chunkId}>
            <HitLink place={place} hit={hit} />
          </li>
        ))}
      </ol>
      {left > 0 && answer.hits.length < 1_000 && (
        <button type="button" className="more" onClick={onMore}>
          More passages <span className="faint">({left.toLocaleString()} left)</span>
        </button>
      )}
    </>
  )
}

function HitLink({ place, hit }: { readonly place: Place; readonly hit: Hit }): ReactNode {
  const [start, end] = snippetRange(hit.text, hit.snippet, hit.highlights)
  return (
    <PlaceLink
      className="entry"
      place={{ ...place, document: hit.documentId, chunk: hit.chunkId }}
      current={place.chunk === hit.chunkId}
    >
      <span className="entry-title">{hit.title}</span>
      {hit.headings.length > 0 && <span className="entry-headings">{hit.headings.join(' › ')}</span>}
      <span className="entry-facts">
        <span className="entry-path">{hit.path}</span>
        {hit.page !== null && <span>page {hit.page}</span>}
        {hit.page === null && hit.lines !== null && <span>line {hit.lines[0].toLocaleString()}</span>}
        <span>{dateInWords(hit.modifiedAt)}</span>
      </span>
      <span className="snippet">
        {start > 0 && '… '}
        <MarkedText
          source={hit.text}
          block={[0, hit.text.length]}
          shown={[start, end]}
          marks={hit.highlights}
          markdown={hit.type === 'markdown'}
          inline
        />
        {end < hit.text.length && ' …'}
      </span>
    </PlaceLink>
  )
}

export function ResultCount({ answer }: { readonly answer: SearchAnswer }): ReactNode {
  const took = answer.tookMs < 1 ? 'under a millisecond' : `${Math.round(answer.tookMs).toLocaleString()} ms`
  return (
    <>
      {counted(answer.total, 'passage')} <span className="faint">in {took}</span>
    </>
  )
}
