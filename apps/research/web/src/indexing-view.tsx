/** What is indexed and how far: the newest run with its counts, what is found by meaning, and every file that was left out, by reason. */
import type { ReactNode } from 'react'
import type { Indexing, Overview } from './api.ts'
import { Waiting } from './notices.tsx'
import { nowhere } from './place.ts'
import { PlaceLink } from './place-link.tsx'
import { counted, durationInWords, timeInWords } from './words.ts'

export function IndexingView({ state }: { readonly state: Overview | undefined }): ReactNode {
  return (
    <section className="indexing-view" aria-labelledby="indexing-title">
      <p>
        <PlaceLink place={nowhere}>
          <span aria-hidden="true">← </span>Search
        </PlaceLink>
      </p>
      <h2 id="indexing-title">Indexing</h2>
      {state ? <State state={state} /> : <Waiting label="The state of the index is being read" />}
    </section>
  )
}

function State({ state }: { readonly state: Overview }): ReactNode {
  const { documents, chunks, indexing, vectors } = state
  return (
    <>
      <dl className="figures">
        <Figure name="Documents" value={documents.toLocaleString()} />
        <Figure name="Passages" value={chunks.toLocaleString()} />
        <Figure
          name="Found by meaning"
          value={vectors ? `${Math.floor((100 * vectors.done) / Math.max(chunks, 1)).toLocaleString()} %` : 'not yet'}
          more={vectors ? `model ${vectors.model}, version ${vectors.version}` : 'by words only so far'}
        />
      </dl>
      {indexing ? <Run indexing={indexing} /> : <p>No folder has been indexed yet.</p>}
    </>
  )
}

function Figure({
  name,
  value,
  more,
}: {
  readonly name: string
  readonly value: string
  readonly more?: string
}): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {more && <small>{more}</small>}
      </dd>
    </div>
  )
}

const states: Readonly<Record<Indexing['state'], string>> = {
  running: 'is being indexed',
  done: 'is indexed',
  failed: 'could not be indexed',
  stopped: 'was indexed in part: the run was stopped, and goes on at the next start',
}

function Run({ indexing }: { readonly indexing: Indexing }): ReactNode {
  const { folder, state, done, found, startedAt, finishedAt, error } = indexing
  const tookMs = finishedAt === null ? undefined : Date.parse(finishedAt) - Date.parse(startedAt)
  return (
    <>
      <h3>
        <code>{folder}</code> {states[state]}
      </h3>
      {state === 'running' && (
        <>
          <progress aria-label={`Indexing ${folder}`} max={Math.max(found, 1)} value={done} />
          <p className="faint count">
            {done.toLocaleString()} of {counted(found, 'file')}
            {indexing.timeLeftMs !== null && `, about ${durationInWords(indexing.timeLeftMs)} left`}
          </p>
        </>
      )}
      {error && (
        <p role="alert" className="failed">
          {error}
        </p>
      )}
      <p className="faint">
        Begun {timeInWords(startedAt)}
        {tookMs !== undefined && `, done in ${durationInWords(tookMs)}`}.
      </p>
      <dl className="figures small">
        <Figure name="New or changed" value={indexing.indexed.toLocaleString()} />
        <Figure name="Unchanged" value={indexing.unchanged.toLocaleString()} />
        <Figure name="Gone" value={indexing.removed.toLocaleString()} />
        <Figure name="Left out" value={indexing.skipped.toLocaleString()} />
      </dl>
      <Problems indexing={indexing} />
    </>
  )
}

function Problems({ indexing }: { readonly indexing: Indexing }): ReactNode {
  const { problems, skipped } = indexing
  if (skipped === 0) return <p>No file was left out.</p>
  const unnamed = skipped - problems.length
  return (
    <>
      {[...Map.groupBy(problems, (problem) => problem.code)].map(([code, members]) => (
        <details key={code} className="skipped" open={members.length <= 10}>
          <summary>
            <code>{code}</code> {counted(members.length, 'file')}
          </summary>
          <ul>
            {members.map((problem) => (
              <li key={problem.path}>
                <span className="skipped-path">{problem.path}</span>
                <span className="faint">{problem.reason}</span>
              </li>
            ))}
          </ul>
        </details>
      ))}
      {unnamed > 0 && <p className="faint">And {counted(unnamed, 'file')} more, not named here.</p>}
    </>
  )
}
