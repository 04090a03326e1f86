/**
 * What a process says of itself: memory, processor time, event loop. All of it is read when somebody looks, so that nothing runs in
 * between but Node's own sampling of the event loop.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Metrics } from './metrics.ts'

/**
 * Adds the metrics of this process to `metrics`; safe to repeat. `nodejs_eventloop_delay_seconds` is how late timers ran (p50, p99 and
 * max) over the last 10 s, or since the scrape before when that is longer ago.
 */
export function registerProcessMetrics(metrics: Metrics): void {
  watchEventLoop()
  gauge(
    'process_start_time_seconds',
    'When the process started, in seconds since 1970',
    () => performance.timeOrigin / 1000,
  )
  counter('process_cpu_seconds_total', 'Processor time spent by the process', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000_000
  })
  gauge('process_resident_memory_bytes', 'Memory held by the process', () => process.memoryUsage.rss())
  gauge(
    'nodejs_heap_used_bytes',
    'JavaScript objects, those that are garbage included',
    () => process.memoryUsage().heapUsed,
  )
  gauge('nodejs_heap_size_bytes', 'Memory held for JavaScript objects', () => process.memoryUsage().heapTotal)
  gauge(
    'nodejs_external_memory_bytes',
    'Memory outside the heap that objects hold, buffers included',
    () => process.memoryUsage().external,
  )
  counter(
    'nodejs_eventloop_active_seconds_total',
    'Time the event loop was busy',
    () => performance.eventLoopUtilization().active / 1000,
  )

  const delay = metrics.gauge({
    name: 'nodejs_eventloop_delay_seconds',
    help: 'How late timers ran, over the last 10 s or since the scrape before',
    labels: ['statistic'],
  })
  for (const statistic of ['p50', 'p99', 'max'] as const)
    delay.cell({ statistic }).readFrom(() => eventLoopDelay()[statistic])
  metrics
    .gauge({ name: 'nodejs_version_info', help: 'The version of Node, as a label', labels: ['version'] })
    .cell({ version: process.version })
    .set(1)

  function gauge(name: string, help: string, read: () => number): void {
    metrics.gauge({ name, help }).cell().readFrom(read)
  }
  function counter(name: string, help: string, read: () => number): void {
    metrics.counter({ name, help }).cell().readFrom(read)
  }
}

type Delays = Readonly<Record<'p50' | 'p99' | 'max', number>>

const resolutionMs = 20
const windowMs = 10_000

type Monitor = ReturnType<typeof monitorEventLoopDelay>

/** The event loop belongs to the process, and so does its one monitor, which starts with the first registration and keeps nothing alive. */
let monitor: Monitor | undefined
let windowStartedMs = 0
let lastWindow: Delays | undefined

function watchEventLoop(): Monitor {
  if (monitor) return monitor
  monitor = monitorEventLoopDelay({ resolution: resolutionMs })
  monitor.enable()
  windowStartedMs = performance.now()
  return monitor
}

/** Several scrapers, each reading three numbers, must not cut one another's window short: it ends no sooner than after 10 s. */
function eventLoopDelay(): Delays {
  const watched = watchEventLoop()
  const nowMs = performance.now()
  if (nowMs - windowStartedMs >= windowMs) {
    lastWindow = delaysOf(watched)
    watched.reset()
    windowStartedMs = nowMs
  }
  return lastWindow ?? delaysOf(watched)
}

/** Node counts the whole interval between two of its ticks, so that the resolution stands on top of the delay. */
function delaysOf(histogram: Monitor): Delays {
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
  if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 }
  return { p50: seconds(histogram.percentile(50)), p99: seconds(histogram.percentile(99)), max: seconds(histogram.max) }
}
