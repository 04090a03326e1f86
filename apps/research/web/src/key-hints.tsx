/** Which keys do what, at the foot of the list where there is a keyboard to press them on. */
import type { ReactNode } from 'react'

const keys = [
  ['/', 'search'],
  ['↑ ↓', 'move'],
  ['Enter', 'open'],
  ['Esc', 'close'],
] as const

export function KeyHints(): ReactNode {
  return (
    <ul className="key-hints" aria-label="Keys">
      {keys.map(([key, does]) => (
        <li key={key}>
          <kbd>{key}</kbd> {does}
        </li>
      ))}
    </ul>
  )
}
