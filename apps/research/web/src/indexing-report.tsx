/** The indexing run in a line, above the list: how far it is while it runs, and what it left out; the rest is a click away. */
import type { ReactNode } from 'react'
import type { Indexing } from './api.ts'
import { nowhere } from './place.ts'
import { PlaceLink } from './place-link.tsx'
import { counted, durationInWords } from './words.ts'

export function IndexingReport({ indexing }: { readonly indexing: Indexing | null | undefined }): ReactNode {
  if (!indexing) return null
  const { state, folder, done, found, problems, timeLeftMs } = indexing
  // Files of other kinds are expected in any folder; the view of the index names them too.
  const broken = problems.filter(({ code }) => code !== 'DOCUMENTS_FILE_UNSUPPORTED').length
  if (state === 'done' && broken === 0) return null
  return (
    <section className="indexing" aria-label="Indexing">
      {state === 'running' && (
        <>
          <p>
            <label htmlFor="indexing-bar">Indexing {folder}</label>
            <span className="faint count">
              {done.toLocaleString()} of {counted(found, 'file')}
              {timeLeftMs !== null && `, ${durationInWords(timeLeftMs)} left`}
            </span>
          </p>
          <progress id="indexing-bar" max={Math.max(found, 1)} value={done} />
        </>
      )}
      {state === 'failed' && (
        <p role="alert">
          <strong>Indexing {folder} failed.</strong> {indexing.error}
        </p>
      )}
      {state === 'stopped' && (
        <p>
          Indexing {folder} was stopped after {done.toLocaleString()} of {counted(found, 'file')}.
        </p>
      )}
      {broken > 0 && (
        <p>
          <PlaceLink place={{ ...nowhere, view: 'indexing' }}>{counted(broken, 'file')} could not be read</PlaceLink>
        </p>
      )}
    </section>
  )
}
