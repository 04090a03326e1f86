/** How workflows are, from what stands still: it is never well while anything does. */
import type { HealthCheck } from '@keelson/kernel'
import type { Standing } from './instance-list.ts'

export interface Still {
  /** Of all workflows of the log. */
  readonly standing: readonly Standing[]
  /** Workflows whose code this program has. */
  readonly known: ReadonlySet<string>
  /** Events that could not begin or signal what they should. */
  readonly unstarted: number
  /** Scheduled events that could not be appended, or are due for long. */
  readonly events: { readonly parked: number; readonly late: number }
  /** Why events cannot be gone through. */
  readonly troubles: readonly string[]
}

/** Failed when nobody does what is due; degraded when something waits for somebody to mend it. */
export function healthOf({ standing, known, unstarted, events, troubles }: Still): HealthCheck {
  const own = standing.filter(({ workflow }) => known.has(workflow))
  const others = standing.filter(({ workflow }) => !known.has(workflow))
  const failed = [
    ...counted('nobody runs', own, 'late'),
    ...(events.late > 0 ? [`nobody appends ${events.late} scheduled events`] : []),
    ...troubles.map((trouble) => `events cannot be gone through: ${trouble}`),
  ]
  if (failed.length > 0) return { status: 'failed', message: failed.join('; ') }
  const degraded = [
    ...counted('parked:', standing, 'parked'),
    ...counted('paused:', standing, 'paused'),
    ...counted('sent what does not fit:', standing, 'refused'),
    ...counted('nobody runs', others, 'late'),
    ...(unstarted > 0 ? [`events that begin nothing: ${unstarted}`] : []),
    ...(events.parked > 0 ? [`scheduled events that cannot be appended: ${events.parked}`] : []),
  ]
  return degraded.length === 0 ? { status: 'ok' } : { status: 'degraded', message: degraded.join('; ') }
}

function counted(
  what: string,
  standing: readonly Standing[],
  how: Exclude<keyof Standing, 'workflow'>,
): readonly string[] {
  const found = standing.filter((one) => one[how] > 0).map((one) => `${one[how]} of ${one.workflow}`)
  return found.length === 0 ? [] : [`${what} ${found.join(', ')}`]
}
