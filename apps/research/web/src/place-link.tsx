/** A link to a place of this page: a plain click goes there without a reload, and every other click is the browser's. */
import type { MouseEvent, ReactNode } from 'react'
import { addressOf, goTo, openDocumentAt, type Place } from './place.ts'

interface PlaceLinkProps {
  readonly place: Place
  readonly children: ReactNode
  readonly className?: string
  readonly current?: boolean
}

export function PlaceLink({ place, children, className, current }: PlaceLinkProps): ReactNode {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    if (place.document) openDocumentAt(place)
    else goTo(place)
  }
  return (
    <a
      href={addressOf(place)}
      className={className}
      onClick={follow}
      data-entry={entryOf(place)}
      aria-current={current ? 'true' : undefined}
    >
      {children}
    </a>
  )
}

/** How the link to a place is found again, to give focus back to it. */
export function entryOf(place: Place): string {
  return place.document && `${place.document}/${place.chunk}`
}
