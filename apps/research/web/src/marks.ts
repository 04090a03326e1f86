/** Where highlights fall in the part of a text that is shown. */

/** [start, end) in UTF-16 units. */
export type Range = readonly [start: number, end: number]

export interface Piece {
  readonly start: number
  readonly end: number
  readonly marked: boolean
}

const contextBefore = 60
const snippetLength = 280

/** Cuts [start, end) into pieces that are wholly marked or wholly not. Marks may overlap and stand in any order. */
export function piecesOf(start: number, end: number, marks: readonly Range[]): Piece[] {
  const pieces: Piece[] = []
  let from = start
  for (const [markStart, markEnd] of marks.toSorted((a, b) => a[0] - b[0])) {
    const left = Math.max(markStart, from)
    const right = Math.min(markEnd, end)
    if (left >= right) continue
    if (left > from) pieces.push({ start: from, end: left, marked: false })
    pieces.push({ start: left, end: right, marked: true })
    from = right
  }
  if (from < end) pieces.push({ start: from, end, marked: false })
  return pieces
}

/** The part of `text` that `snippet` shows; when it is no part of it, the surroundings of the first mark. */
export function snippetRange(text: string, snippet: string, marks: readonly Range[]): Range {
  const bare = snippet.replace(/^(?:…|\.{3})\s*|\s*(?:…|\.{3})$/g, '')
  const at = bare ? text.indexOf(bare) : -1
  if (at !== -1) return [at, at + bare.length]
  const first = marks[0]?.[0] ?? 0
  const start = first > contextBefore ? text.indexOf(' ', first - contextBefore) + 1 : 0
  const cut = text.lastIndexOf(' ', start + snippetLength)
  return [start, text.length <= start + snippetLength ? text.length : Math.max(cut, first)]
}
