/**
 * Numbers as the cells of a workbook show them: percentages, currencies and the like by their formats, days and times in one form that
 * can be searched and sorted (2024-01-15). Source: ECMA-376, part 1, 18.8.30.
 */
import { dateFromSerial, format, getFormatDateInfo, getFormatFromId, isDateFormat } from 'numfmt'
import { readXml } from './xml.ts'

/** Days from the epoch of 1900 to that of 1904. */
const daysTo1904 = 1462
/** The latest day that a workbook knows is in the year 9999. */
const lastDay = 2_958_466
const general = 'General'
/** No real format is as long; reading one takes more than linear time. */
const longestFormat = 255

export class CellFormats {
  /** The format of each style, by its index. */
  readonly #formats: readonly string[]
  readonly #isFrom1904: boolean

  constructor(formats: readonly string[], isFrom1904: boolean) {
    this.#formats = formats
    this.#isFrom1904 = isFrom1904
  }

  /** A number by the style of its cell. */
  number(value: string, style: number): string {
    const number = Number(value)
    if (value.trim() === '' || !Number.isFinite(number)) return value
    return formatted(number, this.#formats[style] ?? general, this.#isFrom1904) ?? plain(number)
  }

  /** A text by the style of its cell, which may hide it or stand around it. */
  text(value: string, style: number): string {
    const code = this.#formats[style] ?? general
    return code === general || code === '@' ? value : (formatted(value, code, false) ?? value)
  }
}

export function readCellFormats(styles: Uint8Array | undefined, path: string, isFrom1904: boolean): CellFormats {
  const own = new Map<number, string>()
  const formats: string[] = []
  let isCells = false
  if (styles)
    readXml(styles, path, {
      open(name, { numFmtId = '0', formatCode }) {
        const id = Number(numFmtId)
        if (name === 'numFmt' && formatCode !== undefined) own.set(id, formatCode)
        else if (name === 'cellXfs') isCells = true
        else if (name === 'xf' && isCells) formats.push(own.get(id) ?? builtIn(id))
      },
      close(name) {
        if (name === 'cellXfs') isCells = false
      },
    })
  return new CellFormats(formats, isFrom1904)
}

/** Formats that every program knows by number; those that differ by language show days and times. */
function builtIn(id: number): string {
  const known = getFormatFromId(id)
  if (known) return known
  if ((id >= 27 && id <= 36) || (id >= 50 && id <= 58)) return 'yyyy-mm-dd'
  return general
}

function formatted(value: number | string, code: string, isFrom1904: boolean): string | undefined {
  if (code.length > longestFormat) return undefined
  try {
    if (typeof value === 'number' && isDateFormat(code)) return moment(value, code, isFrom1904)
    if (code === general && typeof value === 'number') return plain(value)
    return format(code, value, { nbsp: false }).trim()
  } catch {
    return undefined
  }
}

/** A day, a time of day or both, as far as the format shows them; a duration as it is written. */
function moment(value: number, code: string, isFrom1904: boolean): string | undefined {
  const day = value + (isFrom1904 ? daysTo1904 : 0)
  const shows = getFormatDateInfo(code)
  const hasDay = shows.year || shows.month || shows.day
  if (!hasDay && /\[[hms]+\]/i.test(code)) return format(code, value).trim()
  if (day < 0 || day >= lastDay) return undefined
  // Times are kept as parts of a day, so that they come out a little before or after the second.
  const [year = 0, month = 0, date = 0, hours = 0, minutes = 0, seconds = 0] =
    dateFromSerial(Math.round(day * 86_400) / 86_400) ?? []
  const two = (part: number) => String(Math.floor(part)).padStart(2, '0')
  const written = `${String(year).padStart(4, '0')}-${two(month)}-${two(date)}`
  const time = `${two(hours)}:${two(minutes)}${shows.seconds ? `:${two(Math.round(seconds))}` : ''}`
  const hasTime = shows.hours || shows.minutes || shows.seconds
  if (!hasDay) return time
  return hasTime ? `${written} ${time}` : written
}

/** As many digits as a workbook keeps, without those that binary numbers add. */
function plain(value: number): string {
  return String(Number(value.toPrecision(15)))
}
