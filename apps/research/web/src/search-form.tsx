/** The search field, and the filters that narrow an answer. */
import type { KeyboardEvent, ReactNode } from 'react'
import { focusFirstEntry, searchFieldId } from './keyboard.ts'
import { followTyping, goTo, type Place, settleTyping } from './place.ts'
import { useDraft } from './use-draft.ts'

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

const types = [
  { value: '', label: 'All' },
  { value: 'markdown', label: 'Markdown' },
  { value: 'text', label: 'Text' },
]

export function Filters({ place }: { readonly place: Place }): ReactNode {
  const path = useDraft(place.path, (typed) => followTyping({ path: typed }))
  return (
    <div className="filters">
      <fieldset className="choices">
        <legend className="visually-hidden">Type of document</legend>
        {types.map((type) => (
          <label key={type.value}>
            <input
              type="radio"
              name="type"
              checked={place.type === type.value}
              onChange={() => goTo({ ...place, type: type.value })}
            />
            <span>{type.label}</span>
          </label>
        ))}
      </fieldset>
      <label className="path-filter">
        <span>Path</span>
        <input
          type="text"
          value={path.text}
          onChange={(event) => path.change(event.target.value)}
          onBlur={settleTyping}
          placeholder="guides/**"
          maxLength={1_000}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
      </label>
    </div>
  )
}
