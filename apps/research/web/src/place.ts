/**
 * Where the reader is: what is searched for and which document is open. The address bar is its only home, so that back, forward, reload
 * and a sent link all work without anything being kept in step.
 */
import { useMemo, useSyncExternalStore } from 'react'

export interface Place {
  readonly query: string
  /** `markdown`, `text`, or empty for both. */
  readonly type: string
  /** A glob on the path, or empty. */
  readonly path: string
  /** How long ago a document was changed at most: `week`, `month`, `year`, or empty. */
  readonly since: string
  /** `indexing`, or empty for search. */
  readonly view: string
  /** The open document; empty when none is. */
  readonly document: string
  /** The passage it is opened at; empty for its beginning. */
  readonly chunk: string
}

/** Where the page begins. */
export const nowhere: Place = { query: '', type: '', path: '', since: '', view: '', document: '', chunk: '' }

const parameters = {
  query: 'q',
  type: 'type',
  path: 'path',
  since: 'since',
  view: 'view',
  document: 'document',
  chunk: 'chunk',
} as const
/** Edits closer together than this are one entry of the history. */
const typingPauseMs = 1_000

const listeners = new Set<() => void>()
let lastTyped = Number.NEGATIVE_INFINITY

export function usePlace(): Place {
  const search = useSyncExternalStore(subscribe, () => window.location.search)
  return useMemo(() => placeOf(search), [search])
}

/** The address of a place, for links. */
export function addressOf(place: Place): string {
  const search = new URLSearchParams()
  for (const [field, parameter] of Object.entries(parameters)) {
    // The keys of `parameters` are fields of Place.
    const value = place[field as keyof Place]
    if (value) search.set(parameter, value)
  }
  return search.size > 0 ? `?${search}` : window.location.pathname
}

/** The part of a place that asks. */
export function searchOf(place: Place): Pick<Place, 'query' | 'type' | 'path' | 'since'> {
  return { query: place.query.trim(), type: place.type, path: place.path.trim(), since: place.since }
}

/** Goes to a place as a step of its own in the history. */
export function goTo(place: Place): void {
  settleTyping()
  write(place, 'push', null)
}

/** Follows the reader's typing: one entry in the history for one burst of it. */
export function followTyping(change: Partial<Place>): void {
  const now = performance.now()
  write({ ...currentPlace(), ...change }, now - lastTyped < typingPauseMs ? 'replace' : 'push', null)
  lastTyped = now
}

/** Ends a burst of typing: the next edit is a step of its own. */
export function settleTyping(): void {
  lastTyped = Number.NEGATIVE_INFINITY
}

/** Opens a document over the list. Another one opened from there takes its entry, so that back leads to the list. */
export function openDocumentAt(place: Place): void {
  settleTyping()
  const fromList = currentPlace().document === ''
  write(place, fromList ? 'push' : 'replace', fromList || cameFromList() ? 'list' : null)
}

/** Closes the open document: back to the list it was opened from, or in place for who came by a link. */
export function closeDocument(): void {
  settleTyping()
  if (cameFromList()) window.history.back()
  else write({ ...currentPlace(), document: '', chunk: '' }, 'replace', null)
}

function currentPlace(): Place {
  return placeOf(window.location.search)
}

function cameFromList(): boolean {
  return window.history.state === 'list'
}

function placeOf(search: string): Place {
  const given = new URLSearchParams(search)
  const value = (field: keyof Place) => given.get(parameters[field]) ?? ''
  return {
    query: value('query'),
    type: value('type'),
    path: value('path'),
    since: value('since'),
    view: value('view'),
    document: value('document'),
    chunk: value('chunk'),
  }
}

function write(place: Place, how: 'push' | 'replace', state: 'list' | null): void {
  if (how === 'push') window.history.pushState(state, '', addressOf(place))
  else window.history.replaceState(state, '', addressOf(place))
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  const moved = () => {
    settleTyping()
    listener()
  }
  listeners.add(listener)
  window.addEventListener('popstate', moved)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('popstate', moved)
  }
}
