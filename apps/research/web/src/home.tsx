/** The page before anything is typed: what can be asked, and all documents; or how to get some. */
import type { ReactNode } from 'react'
import type { Document, DocumentPage, Overview } from './api.ts'
import { moveAmongEntries } from './keyboard.ts'
import { Failure, Waiting } from './notices.tsx'
import type { Place } from './place.ts'
import { PlaceLink } from './place-link.tsx'
import type { Answer } from './use-answer.ts'
import { bytesInWords, counted } from './words.ts'

interface HomeProps {
  readonly place: Place
  readonly answer: Answer<DocumentPage>
  readonly state: Overview | undefined
  readonly onMore: () => void
  readonly uploadButton: ReactNode
}

export function Home({ place, answer, state, onMore, uploadButton }: HomeProps): ReactNode {
  if (answer.failure) return <Failure failure={answer.failure} onRetry={answer.retry} />
  if (!answer.value) return <Waiting label="Documents are being listed" />
  const { documents, total } = answer.value
  if (total === 0) return <Nothing running={state?.indexing?.state === 'running'} uploadButton={uploadButton} />
  return (
    <>
      <Examples place={place} documents={documents} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move among the links inside, which work without them */}
      <div className="entries" onKeyDown={moveAmongEntries}>
        {byFolder(documents).map(([folder, members]) => (
          <section key={folder} className="folder">
            <h2>{folder ? folderName(folder) : 'Uploads'}</h2>
            {folder && <p className="folder-path">{folder}</p>}
            <ul aria-label={folder || 'Uploads'}>
              {members.map((document) => (
                <li key={document.id}>
                  <DocumentLink place={place} document={document} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
      {documents.length < total && documents.length < 1_000 && (
        <button type="button" className="more" onClick={onMore}>
          More documents <span className="faint">({(total - documents.length).toLocaleString()} left)</span>
        </button>
      )}
    </>
  )
}

function DocumentLink({ place, document }: { readonly place: Place; readonly document: Document }): ReactNode {
  return (
    <PlaceLink
      className="entry"
      place={{ ...place, document: document.id, chunk: '' }}
      current={place.document === document.id}
    >
      <span className="entry-title">{document.title}</span>
      <span className="entry-path">{document.path}</span>
      <span className="entry-size">
        {counted(document.chunks, 'passage')}, {bytesInWords(document.bytes)}
      </span>
    </PlaceLink>
  )
}

/** Titles make good first questions: each has an answer. */
function Examples({ place, documents }: { readonly place: Place; readonly documents: readonly Document[] }): ReactNode {
  const titles = documents
    .map((document) => document.title)
    .filter((title) => /^[\p{L}\d][\p{L}\d .,'-]{2,31}$/u.test(title))
  const step = Math.max(1, Math.floor(titles.length / 4))
  const examples = [...new Set(titles.filter((_, index) => index % step === 0))].slice(0, 4)
  return (
    <p className="hint">
      Type a few words. Passages that contain any of them appear as you type, the closest first.
      {examples.length > 0 && (
        <span className="examples">
          {' '}
          Try{' '}
          {examples.map((example) => (
            <PlaceLink key={example} className="example" place={{ ...place, query: example }}>
              {example}
            </PlaceLink>
          ))}
        </span>
      )}
    </p>
  )
}

function Nothing({
  running,
  uploadButton,
}: {
  readonly running: boolean
  readonly uploadButton: ReactNode
}): ReactNode {
  if (running)
    return (
      <div className="notice">
        <h2>Reading your documents</h2>
        <p>They appear here as soon as the first of them are indexed.</p>
      </div>
    )
  return (
    <div className="notice">
      <h2>Nothing to search yet</h2>
      <p>Point Keelson at a folder of Markdown and text files, and it is searched by passage a moment later:</p>
      <pre>
        <code>keelson start --docs ./notes</code>
      </pre>
      <p>Or add files here. They can also be dropped anywhere on this page.</p>
      <p className="actions">{uploadButton}</p>
    </div>
  )
}

function byFolder(documents: readonly Document[]): [string, Document[]][] {
  return [...Map.groupBy(documents, (document) => document.folder)]
}

function folderName(folder: string): string {
  return folder.split(/[\\/]/).findLast((part) => part !== '') ?? folder
}
