/**
 * Keeps the answer to the newest question: an older one still under way is aborted, and what is on the page stays until the new answer
 * is here, so that fast answers never flicker.
 */
import { useEffect, useEffectEvent, useState } from 'react'
import { RequestFailed } from './api.ts'

export interface Answer<T> {
  /** The newest answer, perhaps still that to the former question. */
  readonly value: T | undefined
  readonly failure: RequestFailed | undefined
  /** True while `value` is not yet the answer to the question asked. */
  readonly pending: boolean
  retry(): void
}

interface Settled<T> {
  readonly question: string | undefined
  readonly value: T | undefined
  readonly failure: RequestFailed | undefined
}

/**
 * Asks `load` whenever `question` or `revision` changes; without a question there is no answer. A new revision is the same question
 * asked of newer data: it is asked quietly, `pending` stays false.
 */
export function useAnswer<T>(
  question: string | undefined,
  revision: string,
  load: (signal: AbortSignal) => Promise<T>,
): Answer<T> {
  const [settled, setSettled] = useState<Settled<T>>({ question: undefined, value: undefined, failure: undefined })
  const [attempt, setAttempt] = useState(0)
  const ask = useEffectEvent(load)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new revision or attempt asks the same question again
  useEffect(() => {
    if (question === undefined) {
      setSettled({ question, value: undefined, failure: undefined })
      return
    }
    const caller = new AbortController()
    ask(caller.signal).then(
      (value) => !caller.signal.aborted && setSettled({ question, value, failure: undefined }),
      (error: unknown) =>
        !caller.signal.aborted && setSettled({ question, value: undefined, failure: asFailure(error) }),
    )
    return () => caller.abort()
  }, [question, revision, attempt])

  return {
    value: question === undefined ? undefined : settled.value,
    failure: settled.failure,
    pending: question !== settled.question,
    retry: () => setAttempt((count) => count + 1),
  }
}

/** Anything else than a failed request is a mistake of ours; the reader is told all the same. */
export function asFailure(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error
  return new RequestFailed({
    title: 'The page made a mistake',
    detail: error instanceof Error ? error.message : String(error),
  })
}
