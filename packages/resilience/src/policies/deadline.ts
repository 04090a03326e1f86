/** How long callers of an operation wait at the longest. */
import { type AnsweringAnnotation, annotate } from '../annotation.ts'
import { type Duration, DurationSetting, parseMs } from '../duration.ts'
import { answering, type Policy } from '../policy.ts'

/** The call fails with DEADLINE_EXCEEDED after this time, queueing and retries included; calls it makes in turn have what is left of it. */
export function deadline(after: Duration): AnsweringAnnotation {
  return annotate('deadline', DurationSetting, after)
}

/** There is always one, since a call may come with a deadline of its caller. */
export interface DeadlinePart {
  /** Infinity when the operation has none of its own. */
  readonly ms: number
  readonly counts: { exceeded: number }
}

export const deadlinePolicy: Policy<number | string, number | string, DeadlinePart, { readonly exceeded: number }> = {
  schema: DurationSetting,
  defaults: {},
  side: 'caller',
  // Of a subscription, until its first item.
  kinds: [...answering, 'subscription'],
  ownKinds: ['subscription'],
  isCode: false,
  metrics: [
    {
      kind: 'counter',
      name: 'keelson_deadline_exceeded_total',
      help: 'Calls that did not answer in time',
      read: ({ exceeded }) => exceeded,
    },
  ],
  attach() {
    const counts = { exceeded: 0 }
    return {
      configure: (after) => ({ ms: after === undefined ? Number.POSITIVE_INFINITY : parseMs(after), counts }),
      state: () => ({ ...counts }),
    }
  },
}
