/** The keys of the page: `/` to the search field, arrows among the entries of a list, Escape to close the document. */
import { type KeyboardEvent, useEffect, useEffectEvent } from 'react'

export const searchFieldId = 'query'

const entrySelector = '.entries a[data-entry]'

/** Up and down move the focus among the entries of a list; up from the first leads back to the search field. */
export function moveAmongEntries(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0 || event.metaKey || event.ctrlKey || event.altKey) return
  const entries = [...document.querySelectorAll<HTMLElement>(entrySelector)]
  const at = entries.findIndex((entry) => entry.matches(':focus'))
  if (at === -1) return
  event.preventDefault()
  if (at + step < 0) focusSearch()
  else entries[at + step]?.focus()
}

export function focusFirstEntry(): boolean {
  const first = document.querySelector<HTMLElement>(entrySelector)
  first?.focus()
  return first !== null
}

export function focusEntry(entry: string): void {
  const link = document.querySelector<HTMLElement>(`a[data-entry="${CSS.escape(entry)}"]`)
  if (link) link.focus()
  else focusSearch()
}

function focusSearch(): void {
  const field = document.getElementById(searchFieldId)
  if (!(field instanceof HTMLInputElement)) return
  field.focus()
  field.select()
}

/** Listens on the whole page, except inside a dialog, which has keys of its own. */
export function usePageKeys(onEscape: () => boolean): void {
  const pressed = useEffectEvent((event: globalThis.KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return
    if (event.key === 'Escape' && onEscape()) event.preventDefault()
    if (event.key === '/' && !isTyping(event)) {
      event.preventDefault()
      focusSearch()
    }
  })
  useEffect(() => {
    const listener = (event: globalThis.KeyboardEvent) => pressed(event)
    document.addEventListener('keydown', listener)
    return () => document.removeEventListener('keydown', listener)
  }, [])
}

function isTyping(event: globalThis.KeyboardEvent): boolean {
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    (event.target instanceof HTMLElement && event.target.matches('input, textarea, select'))
  )
}
