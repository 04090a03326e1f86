/**
 * What measuring costs: a cell, a span, a log line, a scrape of 10,000 series, an export of 100,000 spans, and the share of a processor that
 * 10,000 named points a minute take; beside prom-client, the OpenTelemetry SDK and pino.
 */
import { createPinoLog } from '@keelson/pino'
import {
  createMetrics,
  createTelemetry,
  durationBuckets,
  openMetricsText,
  prometheusText,
  startOtlpExporter,
  Tracer,
} from '@keelson/telemetry'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { AlwaysOffSampler, BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { Counter, Histogram, Registry } from 'prom-client'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { measure, type Subject } from '../../tools/measure.ts'

const scrapedSeries = 10_000
const exportedSpans = 100_000

export async function run(): Promise<BenchmarkResult> {
  const fast = await measure([...cells(), ...spans(), ...logLines(), points()])
  const slow = await measure([...scrapes(), ...exports()], { rounds: 5, roundMs: 1, warmUpRounds: 1 })
  const ns = new Map([...fast, ...slow].map((one) => [one.subject, one.nsPerOperation]))
  const of = (name: string) => ns.get(name) ?? Number.NaN
  const pointNs = fast.find(({ subject }) => subject === pointName)?.cpuNsPerOperation ?? Number.NaN
  const share = (pointNs * 10_000 * 100) / 60e9
  return {
    rows: [
      ...fast.map(({ subject, nsPerOperation }) => ({
        subject,
        metric: 'wall time',
        value: nsPerOperation,
        unit: 'ns',
      })),
      ...slow.map(({ subject, nsPerOperation }) => ({
        subject,
        metric: 'wall time',
        value: nsPerOperation / 1e6,
        unit: 'ms',
      })),
      { subject: pointName, metric: 'of a processor at 10,000 a minute', value: share, unit: '%' },
    ],
    targets: [
      { name: 'share of a processor, below', value: share, bound: 1, unit: '%', reached: share < 1 },
      ratio('cell, cheaper than prom-client', of('prom-client histogram') / of('Keelson histogram cell'), 10),
      ratio(
        'span, cheaper than the SDK',
        of('OpenTelemetry SDK span, 3 attributes') / of('Keelson span, 3 attributes'),
        1,
      ),
    ],
  }
}

function ratio(name: string, value: number, bound: number) {
  return { name, value, bound, unit: 'x', reached: value >= bound }
}

const labels = { service: 'orders', operation: 'place', outcome: 'ok' }
const labelNames = Object.keys(labels)

function cells(): Subject[] {
  const metrics = createMetrics()
  const names = ['service', 'operation', 'outcome'] as const
  const counter = metrics.counter({ name: 'calls_total', help: 'Calls', labels: names }).cell(labels)
  const histogram = metrics.histogram({ name: 'a_seconds', help: 'A', unit: 'seconds', labels: names }).cell(labels)
  const registry = new Registry()
  const peerCounter = new Counter({ name: 'calls_total', help: 'Calls', labelNames, registers: [registry] })
  const peerOptions = { name: 'a_seconds', help: 'A', labelNames, registers: [registry], buckets: durationBuckets }
  const peerHistogram = new Histogram(peerOptions)
  return [
    each('Keelson counter cell', () => counter.add()),
    each('prom-client counter', () => peerCounter.inc(labels)),
    each('Keelson histogram cell', (at) => histogram.record((at & 1023) / 1_000)),
    each('prom-client histogram', (at) => peerHistogram.observe(labels, (at & 1023) / 1_000)),
  ]
}

function spans(): Subject[] {
  const recorded = new Tracer({ share: 1 })
  const passed = new Tracer({ share: 0 })
  const onEnd = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
  const peer = new BasicTracerProvider({ spanProcessors: [onEnd] }).getTracer('bench')
  const off = new BasicTracerProvider({ sampler: new AlwaysOffSampler(), spanProcessors: [onEnd] }).getTracer('bench')
  return [
    each('Keelson span, 3 attributes', () => {
      const span = recorded.begin('orders.place', 'internal', undefined)
      span?.set('a', 'one')
      span?.set('b', 2)
      span?.set('c', 'three')
      span?.end()
    }),
    each('OpenTelemetry SDK span, 3 attributes', () => {
      const span = peer.startSpan('orders.place')
      span.setAttribute('a', 'one')
      span.setAttribute('b', 2)
      span.setAttribute('c', 'three')
      span.end()
    }),
    each('Keelson, not sampled', () => passed.begin('orders.place', 'internal', undefined)?.end()),
    each('OpenTelemetry SDK, not sampled', () => off.startSpan('orders.place').end()),
  ]
}

function logLines(): Subject[] {
  const destination = { write() {} }
  const log = createPinoLog({ destination }).child({ service: 'orders' })
  const bare = pino({}, destination)
  return [
    each('Keelson log line on pino, 3 fields, made safe', (at) =>
      log.info('placed', { id: at, to: 'berlin', ok: true }),
    ),
    each('pino log line, 3 fields', (at) => bare.info({ id: at, to: 'berlin', ok: true }, 'placed')),
    each('Keelson log, below its level', (at) => log.debug('placed', { id: at, to: 'berlin', ok: true })),
  ]
}

const pointName = 'Keelson record(), by name with 2 labels'

function points(): Subject {
  const telemetry = createTelemetry({ metrics: createMetrics(), tracer: new Tracer() })
  const point = {
    name: 'wait_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: { queue: 'mail', to: 'a' },
  } as const
  return each(pointName, (at) => telemetry.record({ ...point, value: (at & 1023) / 1_000 }))
}

function scrapes(): Subject[] {
  const metrics = createMetrics()
  const registry = new Registry()
  // Ten metrics, since one takes no more than 1,000 label sets here.
  for (let metric = 0; metric < scrapedSeries / 1_000; metric++) {
    const name = `jobs${metric}_total`
    const counter = metrics.counter({ name, help: 'Jobs', labels: ['queue', 'worker'] })
    const peer = new Counter({ name, help: 'Jobs', labelNames: ['queue', 'worker'], registers: [registry] })
    for (let series = 0; series < 1_000; series++) {
      const at = { queue: `queue-${series % 10}`, worker: `worker-${series}` }
      counter.cell(at).add(series)
      peer.inc(at, series)
    }
  }
  return [
    each('Keelson scrape of 10,000 series, text 0.0.4', () => prometheusText(metrics)),
    each('Keelson scrape of 10,000 series, OpenMetrics', () => openMetricsText(metrics)),
    {
      name: 'prom-client scrape of 10,000 series',
      run: async (operations) => {
        for (let at = 0; at < operations; at++) await registry.metrics()
      },
    },
  ]
}

function exports(): Subject[] {
  const readable: ReadableSpan[] = []
  const onEnd = {
    onStart() {},
    onEnd: (span: ReadableSpan) => void readable.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const peer = new BasicTracerProvider({ spanProcessors: [onEnd] }).getTracer('bench')
  for (let at = 0; at < exportedSpans; at++) {
    const span = peer.startSpan('orders.place')
    span.setAttribute('a', 'one')
    span.end()
  }
  return [
    {
      name: 'Keelson: record and export 100,000 spans as OTLP JSON',
      run: async (operations) => {
        for (let one = 0; one < operations; one++) await recordAndExport()
      },
    },
    each('OpenTelemetry: serialise 100,000 spans as OTLP JSON, recording not counted', () => {
      for (let at = 0; at < readable.length; at += 512)
        JsonTraceSerializer.serializeRequest(readable.slice(at, at + 512))
    }),
  ]
}

async function recordAndExport(): Promise<void> {
  const tracer = new Tracer({ share: 1 })
  let bytes = 0
  const send = async (_: unknown, init?: RequestInit) => {
    bytes += String(init?.body).length
    return new Response('{}')
  }
  const resource = { 'service.name': 'bench' }
  const exporter = startOtlpExporter({ endpoint: 'http://collector', resource, tracer, send, queued: exportedSpans })
  for (let at = 0; at < exportedSpans; at++) {
    const span = tracer.begin('orders.place', 'internal', undefined)
    span?.set('a', 'one')
    span?.end()
  }
  await exporter.close()
  if (exporter.counts.sent < exportedSpans || bytes === 0) throw new Error(`sent ${exporter.counts.sent} spans only`)
}

function each(name: string, work: (at: number) => unknown): Subject {
  return {
    name,
    run: (operations) => {
      for (let at = 0; at < operations; at++) work(at)
    },
  }
}
