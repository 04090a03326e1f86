/** Adding documents by hand: the button, and what became of each file. */
import { type ReactNode, useRef } from 'react'
import { addressOf, openDocumentAt, type Place } from './place.ts'
import type { Upload, Uploads } from './use-uploads.ts'
import { counted } from './words.ts'

export function UploadButton({ uploads }: { readonly uploads: Uploads }): ReactNode {
  const field = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" className="add" onClick={() => field.current?.click()}>
        Add files
      </button>
      <input
        ref={field}
        type="file"
        hidden
        multiple
        aria-label="Files to add"
        onChange={(event) => {
          uploads.add(event.target.files ?? [])
          // The same file may be chosen again.
          event.target.value = ''
        }}
      />
    </>
  )
}

export function UploadReport({ uploads, place }: { readonly uploads: Uploads; readonly place: Place }): ReactNode {
  return (
    <>
      <div role="status" className={uploads.list.length > 0 ? 'uploads' : undefined}>
        {uploads.list.map((upload) => (
          <p key={upload.key} className={upload.failure && 'failed'}>
            <Outcome upload={upload} place={place} />
          </p>
        ))}
        {uploads.list.length > 0 && (
          <button type="button" className="quiet" onClick={uploads.clear}>
            Dismiss
          </button>
        )}
      </div>
      {uploads.dropping && <div className="drop-hint">Drop files to add them</div>}
    </>
  )
}

function Outcome({ upload, place }: { readonly upload: Upload; readonly place: Place }): ReactNode {
  const { document, failure } = upload
  if (document) {
    const target = { ...place, document: document.id, chunk: '' }
    return (
      <>
        Added{' '}
        <a
          href={addressOf(target)}
          onClick={(event) => {
            event.preventDefault()
            openDocumentAt(target)
          }}
        >
          {document.path}
        </a>{' '}
        <span className="faint">{counted(document.chunks, 'passage')}</span>
      </>
    )
  }
  if (failure)
    return (
      <>
        {upload.name}: {failure.message} {failure.code && <code>{failure.code}</code>}
      </>
    )
  return <>Adding {upload.name} …</>
}
