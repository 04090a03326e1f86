/** All cells of one metric, found by their label values when they are bound, and never more of them than a scrape can carry. */
import { telemetryErrors } from '../errors.ts'

/** Label sets per metric. More than this is a label whose values nobody bounded: a user's id, a path, a message. */
const labelSetsAtMost = 1_000

/** Characters of a label value: every scrape carries them. */
const valueAtMost = 1_024

/** A value for each label name of a metric; what is longer than 1,024 characters is cut. */
export type LabelSet = Readonly<Record<string, string>>

export interface Sample<Cell> {
  readonly labels: LabelSet
  readonly cell: Cell
}

export class Family<Cell> {
  readonly #metric: string
  readonly #labels: readonly string[]
  readonly #create: () => Cell
  readonly #dropped: () => void
  readonly #samples = new Map<string, Sample<Cell>>()
  #unseen: Cell | undefined

  /** @param dropped told of each label set that found no room. */
  constructor(metric: string, labels: readonly string[], create: () => Cell, dropped: () => void) {
    this.#metric = metric
    this.#labels = labels
    this.#create = create
    this.#dropped = dropped
  }

  /** See `Metric.cell`. */
  cell(labels: LabelSet = {}): Cell {
    const values = this.#valuesOf(labels)
    const key = keyOf(values)
    const known = this.#samples.get(key)
    if (known) return known.cell
    if (this.#samples.size >= labelSetsAtMost) {
      this.#dropped()
      this.#unseen ??= this.#create()
      return this.#unseen
    }
    const cell = this.#create()
    const named = Object.fromEntries(this.#labels.map((label, index) => [label, values[index] ?? '']))
    this.#samples.set(key, { labels: named, cell })
    return cell
  }

  /** See `Metric.remove`. */
  remove(labels: LabelSet = {}): boolean {
    return this.#samples.delete(keyOf(this.#valuesOf(labels)))
  }

  /** In the order in which they were bound. */
  samples(): Iterable<Sample<Cell>> {
    return this.#samples.values()
  }

  #valuesOf(labels: LabelSet): string[] {
    const given = Object.keys(labels)
    if (given.length !== this.#labels.length || !this.#labels.every((label) => Object.hasOwn(labels, label))) {
      throw telemetryErrors.TELEMETRY_METRIC_LABELS_WRONG({ metric: this.#metric, expected: this.#labels, given })
    }
    // Two values that differ only in a broken surrogate would be the same series once written as UTF-8, and fail the whole scrape.
    return this.#labels.map((label) => String(labels[label]).slice(0, valueAtMost).toWellFormed())
  }
}

/** Values may hold any character, so that no separator would do. */
function keyOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : JSON.stringify(values)
}
