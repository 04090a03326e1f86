/** What a consumer counts, by topic and group. */
import type { CounterCell, Metrics } from '@keelson/telemetry'
import type { Holder } from './message-streams.ts'

export class ConsumerMetrics {
  readonly #handled: CounterCell
  readonly #failed: CounterCell
  readonly #buried: CounterCell
  readonly #claimed: CounterCell
  readonly #setWaiting: (waiting: number) => void
  readonly #setDead: (deadLetters: number) => void

  constructor(metrics: Metrics, { topic, group }: Pick<Holder, 'topic' | 'group'>) {
    const labels = ['topic', 'group'] as const
    const counter = (name: string, help: string) => metrics.counter({ name, help, labels }).cell({ topic, group })
    const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels }).cell({ topic, group })
    this.#handled = counter('keelson_messages_handled_total', 'Messages that were handled')
    this.#failed = counter('keelson_messages_failed_total', 'Times that handling a message failed')
    this.#buried = counter('keelson_messages_buried_total', 'Messages that became dead letters')
    this.#claimed = counter('keelson_messages_claimed_total', 'Messages taken over from consumers that died or hung')
    const waiting = gauge('keelson_messages_waiting', 'Messages that no consumer of the group has taken yet')
    const dead = gauge('keelson_messages_dead_letters', 'Dead letters that wait to be replayed')
    this.#setWaiting = (value) => waiting.set(value)
    this.#setDead = (value) => dead.set(value)
  }

  handled(count = 1): void {
    this.#handled.add(count)
  }

  failed(): void {
    this.#failed.add()
  }

  buried(): void {
    this.#buried.add()
  }

  claimed(count: number): void {
    this.#claimed.add(count)
  }

  waiting(waiting: number | undefined, deadLetters: number): void {
    if (waiting !== undefined) this.#setWaiting(waiting)
    this.#setDead(deadLetters)
  }
}
