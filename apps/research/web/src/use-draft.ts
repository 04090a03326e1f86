/** The text of a field while it is typed: it is handed on when the reader pauses, and follows when it is changed from elsewhere. */
import { useEffect, useRef, useState } from 'react'

const pauseMs = 120

export interface Draft {
  readonly text: string
  change(text: string): void
  /** Hands on what was typed without waiting for a pause. */
  flush(): void
}

export function useDraft(value: string, commit: (text: string) => void): Draft {
  const [text, setText] = useState(value)
  const [known, setKnown] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  if (value !== known) {
    setKnown(value)
    setText(value)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was being typed is given up when the value changes from elsewhere
  useEffect(() => () => stop(timer), [value])

  return {
    text,
    change: (typed) => {
      setText(typed)
      stop(timer)
      timer.current = setTimeout(() => {
        timer.current = undefined
        commit(typed)
      }, pauseMs)
    },
    flush: () => {
      if (timer.current === undefined) return
      stop(timer)
      commit(text)
    },
  }
}

function stop(timer: { current: ReturnType<typeof setTimeout> | undefined }): void {
  clearTimeout(timer.current)
  timer.current = undefined
}
