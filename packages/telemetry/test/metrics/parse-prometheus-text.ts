/**
 * A strict reader of Prometheus text 0.0.4, written from the format's description and apart from the writer: it refuses whatever a
 * scraper may refuse, so that a test can compare what went in with what came out.
 */
import assert from 'node:assert/strict'

export interface ParsedMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ParsedSample[]
}

interface ParsedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export function parsePrometheusText(text: string): ParsedMetric[] {
  if (text === '') return []
  assert.ok(text.endsWith('\n'), 'the last line has no end')
  const metrics: ParsedMetric[] = []
  const series = new Set<string>()
  const lines = text.slice(0, -1).split('\n')
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line.startsWith('# HELP ')) {
      metrics.push(parseHead(line, lines[++index] ?? ''))
      continue
    }
    const metric = metrics.at(-1) ?? assert.fail(`a sample before any metric: ${line}`)
    const sample = parseSample(line)
    const suffixes = metric.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    assert.ok(
      suffixes.some((suffix) => sample.name === metric.name + suffix),
      `${sample.name} is no sample of ${metric.name}`,
    )
    const identity = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()])
    assert.ok(!series.has(identity), `a series twice: ${identity}`)
    series.add(identity)
    metric.samples.push(sample)
  }
  assert.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length, 'a metric twice')
  for (const metric of metrics) if (metric.type === 'histogram') checkHistogram(metric)
  return metrics
}

function parseHead(helpLine: string, typeLine: string): ParsedMetric {
  const [, name = '', help = ''] =
    /^# HELP ([a-zA-Z_:][\w:]*) ([^\n]*)$/.exec(helpLine) ?? assert.fail(`not a HELP: ${helpLine}`)
  const [, typedName, type = ''] =
    /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(typeLine) ?? assert.fail(`not a TYPE: ${typeLine}`)
  assert.equal(typedName, name)
  return { name, type, help: unescaped(help, false), samples: [] }
}

function parseSample(line: string): ParsedSample {
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? assert.fail(`not a sample: ${JSON.stringify(line)}`)
  const labels: Record<string, string> = {}
  let rest = line.slice(name.length)
  if (rest.startsWith('{')) {
    do {
      const [whole, label = '', value = ''] =
        /^[{,]([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/.exec(rest) ?? assert.fail(`not a label: ${JSON.stringify(rest)}`)
      assert.ok(!(label in labels), `the label ${label} twice`)
      labels[label] = unescaped(value, true)
      rest = rest.slice(whole.length)
    } while (rest.startsWith(','))
    assert.ok(rest.startsWith('}'), `labels without an end: ${JSON.stringify(rest)}`)
    rest = rest.slice(1)
  }
  return { name, labels, value: parseValue(rest) }
}

function parseValue(rest: string): number {
  const text =
    /^ (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(rest)?.[1] ??
    assert.fail(`not a value: ${JSON.stringify(rest)}`)
  return Number(text.replace('Inf', 'Infinity'))
}

function unescaped(text: string, isQuoted: boolean): string {
  return text.replace(/\\(.?)/gs, (whole, escaped: string) => {
    if (escaped === 'n') return '\n'
    if (escaped === '\\' || (isQuoted && escaped === '"')) return escaped
    return assert.fail(`an unknown escape: ${whole}`)
  })
}

/** Per label set: bounds ascend to +Inf, counts do not fall, and the last is the count. */
function checkHistogram({ name, samples }: ParsedMetric): void {
  const sets = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels))
  for (const set of sets.values()) {
    const buckets = set.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
    )
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY)
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    )
    assert.equal(set.filter((sample) => sample.name === `${name}_sum`).length, 1)
    assert.deepEqual(
      set.filter((sample) => sample.name === `${name}_count`).map(({ value }) => value),
      [counts.at(-1)],
    )
  }
}
