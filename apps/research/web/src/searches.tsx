/** The searches a reader comes back to, on the page before anything is typed, and the star that keeps one. */
import type { ReactNode } from 'react'
import { forgetRecent, isSaved, type Search, toggleSaved, useKeptSearches } from './kept-searches.ts'
import { nowhere, type Place } from './place.ts'
import { PlaceLink } from './place-link.tsx'

export function KeptSearchLists(): ReactNode {
  const kept = useKeptSearches()
  const { saved } = kept
  const recent = kept.recent.filter((search) => !isSaved({ ...nowhere, ...search }, kept))
  if (recent.length === 0 && saved.length === 0) return null
  return (
    <div className="kept">
      {saved.length > 0 && (
        <section aria-labelledby="saved-title">
          <h2 id="saved-title">Saved searches</h2>
          <SearchLinks searches={saved} />
        </section>
      )}
      {recent.length > 0 && (
        <section aria-labelledby="recent-title">
          <h2 id="recent-title">Recent searches</h2>
          <SearchLinks searches={recent} />
          <button type="button" className="quiet forget" onClick={forgetRecent}>
            Forget them
          </button>
        </section>
      )}
    </div>
  )
}

function SearchLinks({ searches }: { readonly searches: readonly Search[] }): ReactNode {
  return (
    <ul>
      {searches.map((search) => (
        <li key={JSON.stringify(search)}>
          <PlaceLink className="example" place={{ ...nowhere, ...search }}>
            {search.query}
            <span className="faint">{filtersInWords(search)}</span>
          </PlaceLink>
        </li>
      ))}
    </ul>
  )
}

function filtersInWords({ type, path, since }: Search): string {
  return [type, path, since && `since ${since}`]
    .filter((part) => part !== '')
    .map((part) => ` · ${part}`)
    .join('')
}

export function SaveSearch({ place }: { readonly place: Place }): ReactNode {
  const kept = isSaved(place, useKeptSearches())
  return (
    <button type="button" className="quiet save" aria-pressed={kept} onClick={() => toggleSaved(place)}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d="m10 2.8 2.2 4.6 5 .6-3.7 3.5 1 5L10 14l-4.5 2.5 1-5L2.8 8l5-.6z" />
      </svg>
      {kept ? 'Saved' : 'Save'}
    </button>
  )
}
