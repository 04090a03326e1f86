/** The search field, and the filters that narrow an answer. */
import type { KeyboardEvent, ReactNode } from 'react'
import type { Facets } from './api.ts'
import { rememberSearch } from './kept-searches.ts'
import { focusFirstEntry, searchFieldId } from './keyboard.ts'
import { followTyping, goTo, type Place, settleTyping } from './place.ts'
import { useDraft } from './use-draft.ts'
import { typeInWords } from './words.ts'

export function SearchField({ place, pending }: { readonly place: Place; readonly pending: boolean }): ReactNode {
  const draft = useDraft(place.query, (query) => followTyping({ query }))
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' || !focusFirstEntry()) return
    event.preventDefault()
  }
  return (
    <search className="search-field" data-pending={pending}>
      <form
        action="/"
        onSubmit={(event) => {
          event.preventDefault()
          draft.flush()
          settleTyping()
          rememberSearch({ ...place, query: draft.text })
        }}
      >
        <label htmlFor={searchFieldId} className="visually-hidden">
          Search your documents
        </label>
        <svg viewBox="0 0 20 20" aria-hidden="true" className="search-icon">
          <circle cx="8.5" cy="8.5" r="5.5" />
          <path d="m12.8 12.8 4.2 4.2" />
        </svg>
        <input
          id={searchFieldId}
          name="q"
          type="search"
          value={draft.text}
          onChange={(event) => draft.change(event.target.value)}
          onBlur={settleTyping}
          onKeyDown={onKeyDown}
          placeholder="Search your documents"
          maxLength={2_000}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          enterKeyHint="search"
          aria-keyshortcuts="/"
        />
        <span className="key" aria-hidden="true">
          /
        </span>
      </form>
    </search>
  )
}

const ages = [
  { value: '', label: 'Any time' },
  { value: 'week', label: 'The last week' },
  { value: 'month', label: 'The last month' },
  { value: 'year', label: 'The last year' },
]

interface FiltersProps {
  readonly place: Place
  /** Of the answer to this search, perhaps still of the former one. */
  readonly facets: Facets | undefined
}

export function Filters({ place, facets }: FiltersProps): ReactNode {
  const path = useDraft(place.path, (typed) => followTyping({ path: typed }))
  return (
    <div className="filters">
      <TypeChoice place={place} types={facets?.type ?? []} />
      <label className="filter">
        <span>Changed</span>
        <select value={place.since} onChange={(event) => goTo({ ...place, since: event.target.value })}>
          {ages.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label className="filter">
        <span>Path</span>
        <input
          type="text"
          list="places"
          value={path.text}
          onChange={(event) => path.change(event.target.value)}
          onBlur={settleTyping}
          placeholder="guides/**"
          maxLength={1_000}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
        <datalist id="places">
          {facets?.place.map(({ value, count }) => (
            <option key={value} value={`${value}/**`} label={`${value} (${count.toLocaleString()})`} />
          ))}
        </datalist>
      </label>
    </div>
  )
}

/** The types that the answer has, with their numbers, and the one chosen even where it has none. */
function TypeChoice({ place, types }: { readonly place: Place; readonly types: Facets['type'] }): ReactNode {
  const chosen = place.type && !types.some(({ value }) => value === place.type) ? [{ value: place.type, count: 0 }] : []
  const choices = [{ value: '', count: undefined }, ...types, ...chosen]
  return (
    <fieldset className="choices">
      <legend className="visually-hidden">Type of document</legend>
      {choices.map(({ value, count }) => (
        <label key={value}>
          <input
            type="radio"
            name="type"
            checked={place.type === value}
            onChange={() => goTo({ ...place, type: value })}
          />
          <span>
            {value ? typeInWords(value) : 'All'}
            {count !== undefined && <small>{count.toLocaleString()}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}
