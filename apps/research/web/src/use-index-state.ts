/** Follows the state of the index, so that lists and counts are right while documents come and go. */
import { useEffect, useState } from 'react'
import type { Overview } from './api.ts'

export interface IndexWatch {
  /** Undefined until the server has spoken once. */
  readonly state: Overview | undefined
  /** False while the connection is being made again. */
  readonly connected: boolean
  /** Changes when what is on the page may be out of date. */
  readonly revision: string
}

const retryAfterMs = 3_000

export function useIndexState(): IndexWatch {
  const [state, setState] = useState<Overview>()
  const [connected, setConnected] = useState(true)
  const [connections, setConnections] = useState(0)

  useEffect(() => {
    let source: EventSource
    let timer: ReturnType<typeof setTimeout> | undefined
    let lost = false
    const connect = () => {
      source = new EventSource('/bff/progress')
      source.onmessage = (event: MessageEvent<string>) => {
        // The server writes nothing else to this stream.
        setState(JSON.parse(event.data) as Overview)
        setConnected(true)
        if (lost) setConnections((count) => count + 1)
        lost = false
      }
      source.onerror = () => {
        lost = true
        setConnected(false)
        // The browser reconnects by itself, unless the server answered with something that is no stream.
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, retryAfterMs)
      }
    }
    connect()
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [])

  return { state, connected, revision: `${connections}/${state ? revisionOf(state) : ''}` }
}

/** While a folder is indexed the page is brought up to date ten times, not once per file. */
function revisionOf({ documents, chunks, indexing }: Overview): string {
  if (indexing?.state !== 'running') return `${documents}/${chunks}/${indexing?.finishedAt ?? ''}`
  return `${indexing.id}/${Math.floor((indexing.done / Math.max(indexing.found, 1)) * 10)}`
}
