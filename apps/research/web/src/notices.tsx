/** What the page says when there is nothing to show: a failure with what to quote when asking for help, or what to try instead. */
import type { ReactNode } from 'react'
import type { RequestFailed } from './api.ts'
import { goTo, nowhere, type Place } from './place.ts'
import { PlaceLink } from './place-link.tsx'

interface FailureProps {
  readonly failure: RequestFailed
  readonly onRetry?: () => void
}

export function Failure({ failure, onRetry }: FailureProps): ReactNode {
  return (
    <div className="notice failure" role="alert">
      <h2>{failure.title}</h2>
      <p>{failure.message}</p>
      {(failure.code || failure.correlationId) && (
        <dl className="particulars">
          {failure.code && (
            <div>
              <dt>Code</dt>
              <dd>{failure.code}</dd>
            </div>
          )}
          {failure.correlationId && (
            <div>
              <dt>Correlation id</dt>
              <dd>{failure.correlationId}</dd>
            </div>
          )}
        </dl>
      )}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

export function NoHits({ place }: { readonly place: Place }): ReactNode {
  const filtered = place.type !== '' || place.path !== '' || place.since !== ''
  return (
    <div className="notice">
      <h2>Nothing found</h2>
      <p>
        No passage{filtered ? ' that passes the filters' : ''} contains{' '}
        {place.query.trim().includes(' ') ? 'any of these words' : 'this word'}.
      </p>
      <ul>
        <li>Try the words the document itself would use.</li>
        <li>Take off quotation marks: what stands in them must stand so in a document.</li>
      </ul>
      <p className="actions">
        {filtered && (
          <button type="button" onClick={() => goTo({ ...place, type: '', path: '', since: '' })}>
            Search without filters
          </button>
        )}
        <PlaceLink place={nowhere}>All documents</PlaceLink>
      </p>
    </div>
  )
}

/** Stands where entries will be; the stylesheet shows it only when they are slow to come. */
export function Waiting({ label }: { readonly label: string }): ReactNode {
  return (
    <div className="waiting">
      <span className="visually-hidden">{label}</span>
      <i />
      <i />
      <i />
    </div>
  )
}
