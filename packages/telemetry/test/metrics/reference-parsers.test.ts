/** What Prometheus itself and the reference parser of OpenMetrics say of our texts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'vitest'
import { createMetrics, openMetricsText, prometheusText, registerProcessMetrics, Tracer } from '../../src/index.ts'

const python = '/usr/bin/python3'
const readOpenMetrics = `
import sys, json
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = list(parse(sys.stdin.read()))
print(json.dumps([{ 'name': f.name, 'type': f.type, 'unit': f.unit, 'help': f.documentation,
  'samples': [[s.name, s.labels, s.value, s.exemplar and [s.exemplar.labels, s.exemplar.value, s.exemplar.timestamp and float(s.exemplar.timestamp)]] for s in f.samples] }
  for f in families]))`

const isRequired = process.env['KEELSON_REQUIRE_SERVERS'] === '1'
const hasPromtool = spawnSync('promtool', ['--version']).status === 0
const hasParser = spawnSync(python, ['-c', 'import prometheus_client.openmetrics.parser']).status === 0
if (!hasPromtool) process.stderr.write(`${'promtool is not installed (Debian: prometheus)'}\n`)
if (!hasParser) process.stderr.write(`${'The reference parser is not installed (Debian: python3-prometheus-client)'}\n`)

describe('the texts of a scrape', () => {
  test.skipIf(!hasPromtool && !isRequired)('pass promtool check metrics without a word', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: prometheusText(everyKind()),
      encoding: 'utf8',
    })
    assert.deepEqual([status, stdout, stderr], [0, '', ''])
  })

  test.skipIf(!hasParser && !isRequired)(
    'are read by the reference parser, exemplars and awkward labels included',
    () => {
      const { status, stdout, stderr } = spawnSync(python, ['-c', readOpenMetrics], {
        input: openMetricsText(everyKind()),
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
      const families = new Map(
        (JSON.parse(stdout) as { name: string; type: string; unit: string; help: string; samples: unknown[][] }[]).map(
          (family) => [family.name, family],
        ),
      )
      assert.deepEqual(families.get('calls'), {
        name: 'calls',
        type: 'counter',
        unit: '',
        help: 'Calls, "quoted"\nand \\ more',
        samples: awkward.map((path, index) => ['calls_total', { path }, index + 1, null]),
      })
      const durations = families.get('call_duration_seconds')
      assert.deepEqual([durations?.type, durations?.unit], ['histogram', 'seconds'])
      const buckets = durations?.samples.filter(([name]) => name === 'call_duration_seconds_bucket') ?? []
      assert.deepEqual(
        buckets.map(([, , value, exemplar]) => [value, Array.isArray(exemplar) ? exemplar[1] : null]),
        [
          [1, 0.25],
          [2, null],
          [3, 7],
        ],
      )
      const [labels, , timestamp] = (buckets[0]?.[3] ?? []) as [Record<string, string>, number, number]
      assert.match(labels['trace_id'] ?? '', /^[0-9a-f]{32}$/)
      assert.equal(timestamp, 1_767_225_600.042)
      assert.ok(families.has('nodejs_eventloop_delay_seconds'))
    },
  )
})

const awkward = ['', 'a"b\\c\nd', '}', '# EOF\n', '漢字 👩‍🚀', '\u0000\u001b[2K\u2028', 'x # {trace_id="forged"} 1']

function everyKind() {
  const metrics = createMetrics()
  registerProcessMetrics(metrics)
  const calls = metrics.counter({ name: 'calls_total', help: 'Calls, "quoted"\nand \\ more', labels: ['path'] })
  for (const [index, path] of awkward.entries()) calls.cell({ path }).add(index + 1)
  metrics.gauge({ name: 'queue_jobs', help: 'Jobs' }).cell().set(-1.5e-7)
  const durations = metrics.histogram({
    name: 'call_duration_seconds',
    help: 'Time',
    unit: 'seconds',
    buckets: [0.5, 1],
    labels: ['operation'],
  })
  const cell = durations.cell({ operation: 'search' })
  const trace = new Tracer({ share: 1 }).begin('search', 'server', undefined)
  cell.record(0.25, trace, 1_767_225_600_042)
  cell.record(0.75)
  cell.record(7, trace)
  return metrics
}
