/** What an outbox counts: messages, failures by code, and how far it is behind. */
import { isError } from '@keelson/kernel'
import type { CounterCell, Metrics } from '@keelson/telemetry'

export class OutboxMetrics {
  readonly #published: CounterCell
  readonly #failed: (code: string) => CounterCell
  readonly #forget: () => void

  constructor(metrics: Metrics, outbox: string, lag: () => number) {
    const labels = ['outbox'] as const
    this.#published = metrics
      .counter({ name: 'keelson_outbox_published_total', help: 'Messages that the outbox published', labels })
      .cell({ outbox })
    const failures = metrics.counter({
      name: 'keelson_outbox_failures_total',
      help: 'Times that the outbox could not go on, by code',
      labels: ['outbox', 'code'],
    })
    this.#failed = (code) => failures.cell({ outbox, code })
    const lags = metrics.gauge({ name: 'keelson_outbox_lag', help: 'Events that are not published yet', labels })
    lags.cell({ outbox }).readFrom(lag)
    this.#forget = () => lags.remove({ outbox })
  }

  published(messages: number): void {
    this.#published.add(messages)
  }

  failed(error: unknown): void {
    this.#failed(isError(error) ? error.code : 'unexpected').add()
  }

  /** Its lag is no longer known. */
  close(): void {
    this.#forget()
  }
}
