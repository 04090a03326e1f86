/** Deleting a document, asked for twice since it cannot be undone. */
import { type ReactNode, useRef, useState } from 'react'
import { type OpenDocument, type RequestFailed, removeDocument } from './api.ts'
import { asFailure } from './use-answer.ts'

interface DeleteButtonProps {
  readonly document: OpenDocument
  readonly onRemoved: () => void
}

export function DeleteButton({ document, onRemoved }: DeleteButtonProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const [failure, setFailure] = useState<RequestFailed>()
  const [removing, setRemoving] = useState(false)
  const remove = async () => {
    setRemoving(true)
    try {
      await removeDocument(document.id)
      dialog.current?.close()
      onRemoved()
    } catch (error) {
      setFailure(asFailure(error))
    } finally {
      setRemoving(false)
    }
  }
  return (
    <>
      <button
        type="button"
        className="quiet danger"
        onClick={() => {
          setFailure(undefined)
          dialog.current?.showModal()
        }}
      >
        Delete
      </button>
      <dialog ref={dialog} aria-labelledby="delete-title">
        <h2 id="delete-title">Delete “{document.title}”?</h2>
        <p>
          It is no longer found, and this cannot be undone.
          {document.folder && ' The file in your folder is kept; it is indexed again when it changes.'}
        </p>
        {failure && (
          <p role="alert" className="failed">
            {failure.message} {failure.code && <code>{failure.code}</code>}
          </p>
        )}
        <div className="dialog-actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" className="danger-filled" disabled={removing} onClick={() => void remove()}>
            Delete
          </button>
        </div>
      </dialog>
    </>
  )
}
