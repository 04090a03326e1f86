/** What the reader should know of an indexing run: how far it is while it runs, and what it had to leave out. */
import type { ReactNode } from 'react'
import type { Indexing } from './api.ts'
import { counted } from './words.ts'

export function IndexingReport({ indexing }: { readonly indexing: Indexing | null | undefined }): ReactNode {
  if (!indexing) return null
  if (indexing.state === 'running')
    return (
      <section className="indexing" aria-label="Indexing">
        <p>
          <label htmlFor="indexing-bar">Indexing {indexing.folder}</label>
          <span className="faint count">
            {indexing.done.toLocaleString()} of {counted(indexing.found, 'file')}
          </span>
        </p>
        <progress id="indexing-bar" max={Math.max(indexing.found, 1)} value={indexing.done} />
        <Skipped indexing={indexing} />
      </section>
    )
  if (indexing.state === 'done' && indexing.skipped === 0) return null
  return (
    <section className="indexing" aria-label="Indexing">
      {indexing.state === 'failed' && (
        <p role="alert">
          <strong>Indexing {indexing.folder} failed.</strong> {indexing.error}
        </p>
      )}
      {indexing.state === 'stopped' && (
        <p>
          Indexing {indexing.folder} was stopped after {indexing.done.toLocaleString()} of{' '}
          {counted(indexing.found, 'file')}.
        </p>
      )}
      <Skipped indexing={indexing} />
    </section>
  )
}

function Skipped({ indexing }: { readonly indexing: Indexing }): ReactNode {
  if (indexing.skipped === 0) return null
  const unnamed = indexing.skipped - indexing.problems.length
  return (
    <details className="skipped">
      <summary>{counted(indexing.skipped, 'file')} skipped</summary>
      <ul>
        {indexing.problems.map((problem) => (
          <li key={problem.path}>
            <span className="skipped-path">{problem.path}</span>
            <span className="faint">{problem.reason}</span> <code>{problem.code}</code>
          </li>
        ))}
        {unnamed > 0 && <li className="faint">and {unnamed.toLocaleString()} more</li>}
      </ul>
    </details>
  )
}
