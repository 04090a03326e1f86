/**
 * Whether the process still gets to its work. A request for liveness that is answered has come through the listener and the event loop;
 * what this adds is how late the loop has been since somebody last asked.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { HealthCheck } from '@keelson/kernel'

export interface EventLoopDelay {
  /** `failed` when the loop was late by more than a second on average since the last read: once is a pause, on average is a jam. */
  read(): HealthCheck
  close(): void
}

const limitMs = 1_000
/** A mean of fewer says nothing; without any, the histogram would report 0. */
const fewestSamples = 3

export function watchEventLoop(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: 20 })
  histogram.enable()
  return {
    read() {
      const { count, mean } = histogram
      if (count < fewestSamples) return { status: 'ok' }
      histogram.reset()
      return judgeDelay(mean / 1e6)
    },
    close: () => void histogram.disable(),
  }
}

/** What a mean delay in milliseconds says. */
export function judgeDelay(meanMs: number): HealthCheck {
  if (meanMs <= limitMs) return { status: 'ok' }
  return { status: 'failed', message: `the event loop is ${Math.round(meanMs)} ms late on average` }
}
