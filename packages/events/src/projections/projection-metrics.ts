/** What projections tell about themselves: events, failures, how long they take, how late they are and where they stand. */
import type { Metrics } from '@keelson/telemetry'

export interface ProjectionMetrics {
  committed(
    projection: string,
    page: { readonly events: number; readonly latencyMs: number; readonly tookMs: number },
  ): void
  failed(projection: string, isParked: boolean): void
}

/** Where a projection of this program stands; undefined while it has not all partitions. */
export interface Standing {
  readonly position: number
  /** Positions of the feed that are there and not reached. */
  readonly lag: number
}

/** @param standings of the projections of this program, by name. */
export function projectionMetrics(
  metrics: Metrics,
  projections: readonly string[],
  standings: () => ReadonlyMap<string, Standing>,
): ProjectionMetrics {
  const labels = ['projection'] as const
  const events = metrics.counter({ name: 'keelson_projection_events_total', help: 'Events handled', labels })
  const failures = metrics.counter({ name: 'keelson_projection_failures_total', help: 'Attempts that failed', labels })
  const parked = metrics.counter({
    name: 'keelson_projection_parked_total',
    help: 'Events that could not be handled',
    labels,
  })
  const latency = metrics.histogram({
    name: 'keelson_projection_latency_seconds',
    help: 'From the append of the newest event of a page to its commit in the read model',
    unit: 'seconds',
    labels,
  })
  const duration = metrics.histogram({
    name: 'keelson_projection_page_seconds',
    help: 'Time a page takes',
    unit: 'seconds',
    labels,
  })
  const position = metrics.gauge({
    name: 'keelson_projection_position',
    help: 'Position of the feed that is reached',
    labels,
  })
  const lag = metrics.gauge({
    name: 'keelson_projection_lag',
    help: 'Positions of the feed that are there and not reached',
    labels,
  })
  for (const projection of projections) {
    position.cell({ projection }).readFrom(() => standings().get(projection)?.position ?? Number.NaN)
    lag.cell({ projection }).readFrom(() => standings().get(projection)?.lag ?? Number.NaN)
  }
  return {
    committed: (projection, page) => {
      events.cell({ projection }).add(page.events)
      latency.cell({ projection }).record(page.latencyMs / 1_000)
      duration.cell({ projection }).record(page.tookMs / 1_000)
    },
    failed: (projection, isParked) => {
      failures.cell({ projection }).add()
      if (isParked) parked.cell({ projection }).add()
    },
  }
}
