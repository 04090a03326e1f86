/**
 * The searches a reader comes back to: those made lately and those saved. They are kept in this browser alone; where it keeps nothing
 * (private windows, blocked storage) they live as long as the page.
 */
import { useSyncExternalStore } from 'react'
import { type Place, searchOf } from './place.ts'

/** A search is the part of a place that asks: words and filters, no open document. */
export type Search = Pick<Place, 'query' | 'type' | 'path' | 'since'>

export interface KeptSearches {
  /** Newest first. */
  readonly recent: readonly Search[]
  readonly saved: readonly Search[]
}

const storageKey = 'keelson.searches'
const most = { recent: 8, saved: 50 }
const nothing: KeptSearches = { recent: [], saved: [] }

const listeners = new Set<() => void>()
let kept: KeptSearches | undefined

export function useKeptSearches(): KeptSearches {
  return useSyncExternalStore(subscribe, keptSearches)
}

/** Remembers that a search was worth something: a hit was opened or the search was sent on purpose. */
export function rememberSearch(place: Place): void {
  const search = searchOf(place)
  if (!search.query) return
  const { recent, saved } = keptSearches()
  keep({ recent: [search, ...recent.filter((one) => !isSame(one, search))].slice(0, most.recent), saved })
}

export function isSaved(place: Place, { saved }: KeptSearches): boolean {
  const search = searchOf(place)
  return saved.some((one) => isSame(one, search))
}

/** Saves a search, or takes it off the list when it is there. */
export function toggleSaved(place: Place): void {
  const search = searchOf(place)
  const { recent, saved } = keptSearches()
  const others = saved.filter((one) => !isSame(one, search))
  keep({ recent, saved: others.length < saved.length ? others : [search, ...saved].slice(0, most.saved) })
}

export function forgetRecent(): void {
  keep({ ...keptSearches(), recent: [] })
}

function keptSearches(): KeptSearches {
  kept ??= read()
  return kept
}

function keep(searches: KeptSearches): void {
  kept = searches
  try {
    window.localStorage.setItem(storageKey, JSON.stringify(searches))
  } catch {
    // Storage is full or forbidden: the list lives as long as the page.
  }
  for (const listener of listeners) listener()
}

/** What stands there may be of another version, or anybody's. */
function read(): KeptSearches {
  try {
    const value: unknown = JSON.parse(window.localStorage.getItem(storageKey) ?? 'null')
    return { recent: searchesIn(value, 'recent'), saved: searchesIn(value, 'saved') }
  } catch {
    return nothing
  }
}

function searchesIn(value: unknown, list: 'recent' | 'saved'): Search[] {
  const entries: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, list) : undefined
  if (!Array.isArray(entries)) return []
  const searches = entries.map((entry: unknown): Search => {
    const field = (name: keyof Search): string => {
      const text: unknown = typeof entry === 'object' && entry !== null ? Reflect.get(entry, name) : undefined
      return typeof text === 'string' ? text : ''
    }
    return { query: field('query'), type: field('type'), path: field('path'), since: field('since') }
  })
  return searches.filter((search) => search.query !== '').slice(0, most[list])
}

function isSame(one: Search, other: Search): boolean {
  return one.query === other.query && one.type === other.type && one.path === other.path && one.since === other.since
}

/** Another tab of this page writes to the same place. */
function subscribe(listener: () => void): () => void {
  const changed = (event: StorageEvent) => {
    if (event.key !== storageKey && event.key !== null) return
    kept = undefined
    listener()
  }
  listeners.add(listener)
  window.addEventListener('storage', changed)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('storage', changed)
  }
}
