/** The page: search above, what was found or all documents below it, and the open document beside or over them. */
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { listDocuments, type SearchAnswer, searchPassages } from './api.ts'
import { DocumentPane } from './document-pane.tsx'
import { Hits, ResultCount } from './hits.tsx'
import { Home } from './home.tsx'
import { IndexingReport } from './indexing-report.tsx'
import { IndexingView } from './indexing-view.tsx'
import { rememberSearch } from './kept-searches.ts'
import { KeyHints } from './key-hints.tsx'
import { focusEntry, usePageKeys } from './keyboard.ts'
import { Failure, NoHits, Waiting } from './notices.tsx'
import { closeDocument, type Place, searchOf, usePlace } from './place.ts'
import { entryOf } from './place-link.tsx'
import { Filters, SearchField } from './search-form.tsx'
import { KeptSearchLists, SaveSearch } from './searches.tsx'
import { TopBar } from './top-bar.tsx'
import { UploadButton, UploadReport } from './uploads.tsx'
import { type Answer, useAnswer } from './use-answer.ts'
import { useIndexState } from './use-index-state.ts'
import { useUploads } from './use-uploads.ts'

const pageSize = { passages: 20, documents: 100 }
/** The most the API gives at once. */
const most = 1_000

export function App(): ReactNode {
  const place = usePlace()
  const watch = useIndexState()
  const [changes, setChanges] = useState(0)
  const changed = () => setChanges((count) => count + 1)
  const revision = `${changes}/${watch.revision}`
  const uploads = useUploads(changed)

  const terms = searchOf(place)
  const asked = terms.query ? JSON.stringify(terms) : undefined
  const [passagesShown, showMorePassages] = useShown(asked, pageSize.passages)
  // All passages shown are asked for again, since scores compare within one answer only.
  const found = useAnswer(asked && `${asked}${passagesShown}`, revision, (signal) =>
    searchPassages(terms, passagesShown, signal),
  )
  const [documentsShown, showMoreDocuments] = useShown('documents', pageSize.documents)
  const listed = useAnswer(asked ? undefined : `documents${documentsShown}`, revision, (signal) =>
    listDocuments(documentsShown, signal),
  )

  useDocumentFocus(place)
  useRememberedSearch(place)
  useTitle(place)
  usePageKeys(() => {
    if (place.document) closeDocument()
    return place.document !== ''
  })

  return (
    <div className="page" data-open={place.document !== ''}>
      <TopBar watch={watch} uploadButton={<UploadButton uploads={uploads} />} />
      <main>
        <div className="browse">
          {place.view === 'indexing' ? (
            <IndexingView state={watch.state} />
          ) : (
            <>
              <SearchField place={place} pending={found.pending} />
              <UploadReport uploads={uploads} place={place} />
              <IndexingReport indexing={watch.state?.indexing} />
              <div className="answer-bar">
                <p role="status" className="result-count">
                  {asked && found.value && <ResultCount answer={found.value} />}
                </p>
                {asked && <SaveSearch place={place} />}
              </div>
              {asked && <Filters place={place} facets={found.value?.facets} />}
              {!asked && <KeptSearchLists />}
              {asked ? (
                <Found place={place} answer={found} onMore={showMorePassages} />
              ) : (
                <Home
                  place={place}
                  answer={listed}
                  state={watch.state}
                  onMore={showMoreDocuments}
                  uploadButton={<UploadButton uploads={uploads} />}
                />
              )}
              <KeyHints />
            </>
          )}
        </div>
        {place.document && (
          <DocumentPane
            place={place}
            revision={String(uploads.list.filter((upload) => upload.document).length)}
            hits={found.value?.hits ?? []}
            onRemoved={() => {
              closeDocument()
              changed()
            }}
          />
        )}
      </main>
    </div>
  )
}

interface FoundProps {
  readonly place: Place
  readonly answer: Answer<SearchAnswer>
  readonly onMore: () => void
}

function Found({ place, answer, onMore }: FoundProps): ReactNode {
  if (answer.failure) return <Failure failure={answer.failure} onRetry={answer.retry} />
  if (!answer.value) return <Waiting label="Searching" />
  return (
    <div data-pending={answer.pending} className="found">
      {answer.value.total === 0 ? (
        <NoHits place={place} />
      ) : (
        <Hits place={place} answer={answer.value} onMore={onMore} />
      )}
    </div>
  )
}

/** How many entries of a list are shown; as few as at first when it becomes another list. */
function useShown(list: string | undefined, step: number): [number, () => void] {
  const [grown, setGrown] = useState({ list, shown: step })
  const shown = grown.list === list ? grown.shown : step
  return [shown, () => setGrown({ list, shown: Math.min(shown + step, most) })]
}

/** When the document is closed, in whatever way, the focus goes back to the entry it was opened from. */
function useDocumentFocus(place: Place): void {
  const open = useRef('')
  const entry = entryOf(place)
  useEffect(() => {
    if (open.current && !entry) focusEntry(open.current)
    open.current = entry
  }, [entry])
}

/** A search that led to a document was worth something. */
function useRememberedSearch(place: Place): void {
  useEffect(() => {
    if (place.document && place.query) rememberSearch(place)
  }, [place])
}

function useTitle(place: Place): void {
  useEffect(() => {
    document.title = place.query.trim() ? `${place.query.trim()}: Keelson Research` : 'Keelson Research'
  }, [place.query])
}
