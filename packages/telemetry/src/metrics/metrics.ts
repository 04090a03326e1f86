/**
 * Counters, gauges and histograms of a process. Writing is to a cell that was bound once and costs nanoseconds; names, label values and
 * text formats are paid for only when somebody looks, through `collect`.
 */
import { CounterCell, type Exemplar, GaugeCell, HistogramCell } from './cells.ts'
import {
  type CounterDefinition,
  type GaugeDefinition,
  type HistogramDefinition,
  type MetricShape,
  requireSameShape,
  shapeOf,
} from './definition.ts'
import { Family, type LabelSet } from './family.ts'

/**
 * Defining the same metric again gives the one that is there; with another type, unit, buckets or labels it throws
 * TELEMETRY_METRIC_CONFLICT, and TELEMETRY_METRIC_INVALID for what Prometheus would refuse or misread.
 */
export interface Metrics {
  counter<const Label extends string = never>(definition: CounterDefinition<Label>): Metric<CounterCell, Label>
  gauge<const Label extends string = never>(definition: GaugeDefinition<Label>): Metric<GaugeCell, Label>
  histogram<const Label extends string = never>(definition: HistogramDefinition<Label>): Metric<HistogramCell, Label>
  /** Everything as it is now, in the order of definition: what each text or wire format is made from. */
  collect(): readonly MetricSnapshot[]
}

/** One metric; its numbers are in its cells. A metric without labels has its one cell, and so its 0, from the start. */
export interface Metric<Cell, Label extends string> {
  /**
   * The cell of these label values, the same each time: bind it once and keep it. Beyond 1,000 label sets a metric takes no more: the
   * cell can be written to, is never seen, and each such binding is counted in `keelson_metric_label_sets_dropped_total`.
   * Throws TELEMETRY_METRIC_LABELS_WRONG for other label names than the metric's.
   */
  cell(...labels: LabelValues<Label>): Cell
  /** Forgets a label set, for instance of a peer that is gone, and so makes room for another. False when it was not there. */
  remove(...labels: LabelValues<Label>): boolean
}

export type MetricSnapshot = NumberSnapshot | HistogramSnapshot

export interface NumberSnapshot extends Described<'counter' | 'gauge'> {
  readonly samples: readonly { readonly labels: LabelSet; readonly value: number }[]
}

export interface HistogramSnapshot extends Described<'histogram'> {
  /** Upper bounds, inclusive and ascending. */
  readonly buckets: readonly number[]
  readonly samples: readonly Distribution[]
}

export interface Distribution {
  readonly labels: LabelSet
  /** One number per bucket and one for what is above them all; not cumulative. */
  readonly counts: readonly number[]
  readonly sum: number
  /** One place per bucket, or empty when no observation had a trace. */
  readonly exemplars: readonly (Exemplar | undefined)[]
}

interface Described<Type> {
  readonly type: Type
  readonly name: string
  readonly help: string
  /** Empty when it has none. */
  readonly unit: string
}

/** One value per label name; nothing at all for a metric without labels. */
export type LabelValues<Label extends string> = [Label] extends [never] ? [] : [labels: Readonly<Record<Label, string>>]

/**
 * An empty set of metrics.
 *
 * @example
 * const calls = metrics.counter({ name: 'calls_total', help: 'Calls answered', labels: ['operation'] })
 * const searches = calls.cell({ operation: 'search' })   // once
 * searches.add()                                         // on each call
 */
export function createMetrics(): Metrics {
  const shapes = new Map<string, MetricShape>()
  const counters = new Map<string, Family<CounterCell>>()
  const gauges = new Map<string, Family<GaugeCell>>()
  const histograms = new Map<string, Family<HistogramCell>>()

  function familyOf<Cell>(families: Map<string, Family<Cell>>, shape: MetricShape, create: () => Cell): Family<Cell> {
    const known = shapes.get(shape.name)
    if (known) requireSameShape(known, shape)
    const before = families.get(shape.name)
    if (before) return before
    const family = new Family(shape.name, shape.labels, create, () => dropped.cell({ metric: shape.name }).add())
    shapes.set(shape.name, shape)
    families.set(shape.name, family)
    if (shape.labels.length === 0) family.cell()
    return family
  }

  const metrics: Metrics = {
    counter: (definition) => labelled(familyOf(counters, shapeOf('counter', definition), () => new CounterCell())),
    gauge: (definition) => labelled(familyOf(gauges, shapeOf('gauge', definition), () => new GaugeCell())),
    histogram: (definition) => {
      const shape = shapeOf('histogram', definition)
      const bounds = Float64Array.from(shape.buckets)
      return labelled(familyOf(histograms, shape, () => new HistogramCell(bounds)))
    },
    collect: () =>
      Array.from(shapes.values(), (shape) => {
        const { type, name, help, unit, buckets } = shape
        if (type === 'histogram')
          return { type, name, help, unit, buckets, samples: distributionsIn(histograms.get(name)) }
        return {
          type,
          name,
          help,
          unit,
          samples: numbersIn(type === 'counter' ? counters.get(name) : gauges.get(name)),
        }
      }),
  }
  const dropped = metrics.counter({
    name: 'keelson_metric_label_sets_dropped_total',
    help: 'Bindings of a label set that found its metric full',
    labels: ['metric'],
  })
  return metrics
}

/** A family under the label names that the compiler knows for it. */
function labelled<Cell, Label extends string>(family: Family<Cell>): Metric<Cell, Label> {
  // The family was made with just these label names and refuses others; the compiler cannot decide `LabelValues` for an open `Label`.
  return family as Metric<Cell, Label>
}

/** What cannot be read now is left out, so that one broken source does not cost the rest. */
function numbersIn(family: Family<CounterCell | GaugeCell> | undefined): NumberSnapshot['samples'] {
  return Array.from(family?.samples() ?? [], ({ labels, cell }) => ({ labels, value: cell.read() })).filter(
    (sample): sample is { labels: LabelSet; value: number } => sample.value !== undefined,
  )
}

function distributionsIn(family: Family<HistogramCell> | undefined): HistogramSnapshot['samples'] {
  return Array.from(family?.samples() ?? [], ({ labels, cell }) => ({
    labels,
    counts: cell.counts(),
    sum: cell.sum,
    exemplars: cell.exemplars(),
  }))
}
