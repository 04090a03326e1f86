/** The head of the page: its name, what is in the index, and whether the server is there. */
import type { ReactNode } from 'react'
import { nowhere } from './place.ts'
import { PlaceLink } from './place-link.tsx'
import type { IndexWatch } from './use-index-state.ts'
import { counted } from './words.ts'

export function TopBar({
  watch,
  uploadButton,
}: {
  readonly watch: IndexWatch
  readonly uploadButton: ReactNode
}): ReactNode {
  return (
    <header className="top-bar">
      <h1>
        <PlaceLink place={nowhere} className="wordmark">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path className="hull" d="M4 9c1.5 10 6 15 12 15S26.5 19 28 9" />
            <path className="frame" d="M10.5 9c.5 6 2.5 9.5 5.5 11.5 3-2 5-5.5 5.5-11.5" />
            <path className="keel" d="M16 6v20" />
          </svg>
          <span>
            Keelson <span className="product">Research</span>
          </span>
        </PlaceLink>
      </h1>
      <p className="index-state" role="status">
        {watch.connected
          ? watch.state && `${counted(watch.state.documents, 'document')}, ${counted(watch.state.chunks, 'passage')}`
          : 'Reconnecting …'}
      </p>
      <nav aria-label="Keelson">
        <PlaceLink place={{ ...nowhere, view: 'indexing' }}>Indexing</PlaceLink>
        <a href="/docs">API</a>
      </nav>
      {uploadButton}
    </header>
  )
}
