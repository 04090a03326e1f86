/** Health as data: what a component says of itself, and what a service or a system makes of its parts. */
export type HealthStatus = 'ok' | 'degraded' | 'failed'

/** One look at one part. `message` is for people and holds no secret. */
export interface HealthCheck {
  readonly status: HealthStatus
  readonly message?: string
}

export interface HealthReport {
  readonly status: HealthStatus
  readonly checks: Readonly<Record<string, HealthCheck>>
}

/** The worst status of the parts; a whole without parts is ok. */
export function worstOf(statuses: Iterable<HealthStatus>): HealthStatus {
  let worst: HealthStatus = 'ok'
  for (const status of statuses) {
    if (status === 'failed') return 'failed'
    if (status === 'degraded') worst = 'degraded'
  }
  return worst
}
