/** Counts the values of attributes among the entries of a query, segment by segment: one addition for each entry. */
import type { SegmentParts } from './segment.ts'

export interface FacetValue {
  readonly value: string
  readonly count: number
}

export class FacetCounts {
  readonly #counts: ReadonlyMap<string, Map<string, number>>

  constructor(attributes: readonly string[]) {
    this.#counts = new Map(attributes.map((attribute) => [attribute, new Map()]))
  }

  /** What counts an entry of the segment, and what adds the counts up when all entries have been. */
  in(parts: SegmentParts): { readonly add: (entry: number) => void; readonly end: () => void } {
    const columns = [...this.#counts].flatMap(([attribute, totals]) => {
      const column = parts.columns.get(attribute)
      return column ? [{ ...column, totals, byCode: new Uint32Array(column.values.size + 1) }] : []
    })
    return {
      add(entry) {
        for (const { codes, byCode } of columns) {
          const code = codes[entry] ?? 0
          byCode[code] = (byCode[code] ?? 0) + 1
        }
      },
      end() {
        for (const { values, byCode, totals } of columns) {
          for (let code = 1; code < byCode.length; code++) {
            const count = byCode[code] ?? 0
            if (count === 0) continue
            const value = values.at(code - 1)
            totals.set(value, (totals.get(value) ?? 0) + count)
          }
        }
      },
    }
  }

  result(): Record<string, FacetValue[]> {
    return Object.fromEntries(
      [...this.#counts].map(([attribute, totals]) => [
        attribute,
        Array.from(totals, ([value, count]) => ({ value, count })).sort(
          (a, b) => b.count - a.count || (a.value < b.value ? -1 : 1),
        ),
      ]),
    )
  }
}
