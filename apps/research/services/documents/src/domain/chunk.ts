/**
 * Cuts a text into overlapping passages of about 256 words: the size that found most answers for its cost when measured on long papers.
 * One pass over the text, whatever it holds: a line without a space is counted by its length, so no passage is ever huge.
 */

/** `[start, end)` in UTF-16 units of the text. */
export interface Span {
  readonly start: number
  readonly end: number
}

// Weights are half words, so that a character of a script without spaces can weigh one.
const word = 2
const targetWeight = 256 * word
const overlapWeight = 64 * word
const slackWeight = 32 * word
/** A longer run of one kind counts as one more word for each such stretch. */
const longestStep = 24

/** More words than this are more than one passage. */
export const overlongWords = (targetWeight + slackWeight) / word

/** How many words a stretch of a text has; counting ends where there are more than fit into a passage. */
export function wordsIn(text: string, start: number, end: number): number {
  return (stepsFrom(text, start, end, targetWeight + slackWeight).at(-1)?.total ?? 0) / word
}

/**
 * The passages of `text` from `from` to `to`, in order. Together they cover it without a gap; each but the first begins with the last 64 words or so of the
 * one before, and ends, where there is such a place within 32 words of the 256th, with a paragraph or else with a sentence. Surrogate
 * pairs stay whole. An empty text has none.
 */
export function chunk(text: string, from = 0, to = text.length): Span[] {
  const passages: Span[] = []
  let start = from
  while (start < to) {
    const steps = stepsFrom(text, start, to, targetWeight + slackWeight)
    const last = endOfPassage(text, steps)
    if (last === undefined) {
      passages.push({ start, end: to })
      break
    }
    passages.push({ start, end: last.end })
    start = overlapStart(steps, last)
  }
  return passages
}

/** A word, a piece of a long one, a character of a script without spaces, or a piece of a long gap. */
interface Step extends Span {
  /** Weight of the passage up to and with this step. */
  readonly total: number
}

/** The steps from `start` until their weight passes `limit`, or the text ends: then the last one has a total within the limit. */
function stepsFrom(text: string, start: number, to: number, limit: number): Step[] {
  const steps: Step[] = []
  let total = 0
  let at = start
  while (at < to && total <= limit) {
    const kind = kindAt(text, at)
    const end = Math.min(endOfStep(text, at, kind), to)
    const isShortGap = kind === 'space' && end - at < longestStep
    if (!isShortGap) {
      total += kind === 'dense' ? 1 : word
      steps.push({ start: at, end, total })
    }
    at = end
  }
  return steps
}

/** The step a passage ends with; undefined when all that is left fits. */
function endOfPassage(text: string, steps: readonly Step[]): Step | undefined {
  const beyond = steps.at(-1)
  if (!beyond || beyond.total <= targetWeight + slackWeight) return undefined
  let best: Step | undefined
  let bestScore = Number.NEGATIVE_INFINITY
  for (const [index, step] of steps.entries()) {
    const distance = Math.abs(step.total - targetWeight)
    const next = steps[index + 1]
    if (distance > slackWeight || !next) continue
    const score = breakQuality(text, step.end, next.start) * targetWeight - distance
    if (score > bestScore) {
      bestScore = score
      best = step
    }
  }
  return best ?? beyond
}

function overlapStart(steps: readonly Step[], last: Step): number {
  // Every passage is heavier than the overlap, so the step found is never the first: each passage begins after the one before.
  const first = steps.find((step) => last.total - step.total < overlapWeight)
  return first?.start ?? last.end
}

/** How good a place it is to stop between two steps: 2 after a paragraph, 1 after a sentence, 0 elsewhere. */
function breakQuality(text: string, end: number, next: number): 0 | 1 | 2 {
  const gap = text.slice(end, next)
  if (/\n[^\S\n]*\r?\n|\r[^\S\r\n]*\r/.test(gap)) return 2
  const before = text.slice(Math.max(0, end - 4), end)
  if (/[。！？｡]["'”’」』）)\]]*$/u.test(before)) return 1
  return gap !== '' && /[.!?…؟۔।]["'”’»)\]*_]*$/u.test(before) ? 1 : 0
}

type Kind = 'space' | 'dense' | 'word'

function endOfStep(text: string, start: number, kind: Kind): number {
  let end = start + widthAt(text, start)
  if (kind === 'dense') return end
  while (end < text.length && end - start < longestStep && kindAt(text, end) === kind) end += widthAt(text, end)
  return end
}

function widthAt(text: string, at: number): 1 | 2 {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}

function kindAt(text: string, at: number): Kind {
  const code = text.charCodeAt(at)
  if (code < 0x80) return code === 32 || (code >= 9 && code <= 13) ? 'space' : 'word'
  if (isWideSpace(code)) return 'space'
  return code >= 0x1100 && isDense(text.codePointAt(at) ?? code) ? 'dense' : 'word'
}

function isWideSpace(code: number): boolean {
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000 ||
    code === 0xfeff
  )
}

/** Han, kana, hangul and their punctuation. */
function isDense(point: number): boolean {
  return (
    (point >= 0x3001 && point <= 0x9fff) ||
    (point >= 0xac00 && point <= 0xd7a3) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xff01 && point <= 0xff9f) ||
    (point >= 0x1100 && point <= 0x11ff) ||
    (point >= 0x20000 && point <= 0x3ffff)
  )
}
