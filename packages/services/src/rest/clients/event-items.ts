/** The items of a subscription's answer, as our listener writes it or as others do. */
import { isRecord } from '@keelson/kernel'
import { servicesErrors } from '../../errors.ts'
import { errorOfProblem } from '../../listener/problem.ts'
import type { HttpAnswer } from './http-client.ts'

/**
 * Ends with an `end` event, or, in the manner of others, with `[DONE]` or with the body. Rejects with the error of an `error` event, with
 * PEER_UNREACHABLE when the stream breaks off, and with REMOTE_ANSWER_INVALID when an item is not JSON or there is no stream.
 */
export async function* itemsIn(answer: HttpAnswer, operation: string): AsyncGenerator<unknown> {
  const type = answer.headers.get('content-type') ?? 'none'
  if (!/^text\/event-stream\s*(;|$)/i.test(type)) {
    await answer.beginning()
    throw servicesErrors.REMOTE_ANSWER_INVALID({ operation, reason: 'it is not a stream of events' })
  }
  for await (const { event, data } of answer.events()) {
    if (event === 'end' || data === '[DONE]') return
    if (event === 'error') throw failureOf(data, answer, operation)
    yield parse(data, operation)
  }
}

/** A foreign server may call any event an error; what it says is in the cause. */
function failureOf(data: string, { status }: HttpAnswer, operation: string): Error {
  const cause = new Error(`an error event: ${data.slice(0, 500)}`)
  try {
    const body: unknown = JSON.parse(data)
    const named = isRecord(body) ? errorOfProblem(body) : undefined
    if (named) return named
  } catch {
    // It is no problem of ours then.
  }
  return servicesErrors.REMOTE_FAILED({ operation, status }, { cause })
}

function parse(data: string, operation: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw servicesErrors.REMOTE_ANSWER_INVALID({ operation, reason: 'an item is not JSON' })
  }
}
