/**
 * Tells the encoding of a text that names none: chardet ranks what it may be by the letters that languages use, and the first is taken
 * whose text reads like one. Where none does nothing is taken, since words in a wrong encoding are never found.
 */
import { analyse } from 'chardet'
import { isMultiByte, strictText } from './encodings.ts'

/** Enough to tell by; more would only take time. */
export const sampleBytes = 65_536
/** For encodings of several bytes the detector is either sure or guesses. */
const leastMultiByte = 60
const leastConfidence = 10
/** Fewer letters beyond ASCII read like a text in too many encodings. */
const fewestLetters = 10
/** Encodings of old systems that chardet does not know, tried last. */
const older = ['macintosh', 'ibm866']

export function detectedText(bytes: Uint8Array): string | undefined {
  const sample = sampleOf(bytes)
  const ranked = analyse(sample)
    .filter(
      ({ name, confidence }) => confidence >= (isMultiByte(name.toLowerCase()) ? leastMultiByte : leastConfidence),
    )
    .map(({ name }) => name)
  for (const encoding of [...ranked, ...older]) {
    if (/^(?:utf|ascii)/i.test(encoding)) continue
    const text = strictText(encoding, bytes)
    if (text === undefined || hasControls(text)) continue
    if (isMultiByte(encoding.toLowerCase()) || readsLikeText(strictText(encoding, sample) ?? text)) return text
  }
  return undefined
}

/** From the line of the first byte beyond ASCII on. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte > 0x7f)
  const start = bytes.lastIndexOf(0x0a, first) + 1
  return bytes.subarray(start, start + sampleBytes)
}

/** Whether letters stand where writers put them; damaged text and wrong encodings put signs and capitals inside words. */
function readsLikeText(text: string): boolean {
  const beyond = text.match(/[^\p{ASCII}]/gu)?.length ?? 0
  const ascii = text.match(/[A-Za-z]/g)?.length ?? 0
  const other = text.match(/[^\P{L}\p{ASCII}\p{Script=Latin}]/gu)?.length ?? 0
  // Latin letters with marks stand among letters without; other scripts fill whole words.
  if (other === 0 ? beyond >= ascii : other < fewestLetters || other * 2 < beyond) return false
  const words = text.match(/[\p{L}\p{M}]*[^\p{ASCII}\s][\p{L}\p{M}]*/gu) ?? []
  const odd = words.filter((word) => isOdd(word)).length
  return odd * 20 <= words.length
}

/** What no writer puts into one word: a capital after a small letter, two scripts, a sign between letters. */
function isOdd(word: string): boolean {
  if (/\p{Ll}\p{Lu}/u.test(word)) return true
  if (/\p{L}[^\p{L}\p{M}\p{N}\p{ASCII}\p{Pd}’ʼ‘·…\u00ad\u00a0]\p{L}/u.test(word)) return true
  const scripts = [
    /\p{Script=Latin}/u,
    /\p{Script=Cyrillic}/u,
    /\p{Script=Greek}/u,
    /\p{Script=Hebrew}/u,
    /\p{Script=Arabic}/u,
  ]
  return scripts.filter((script) => script.test(word)).length > 1
}

function hasControls(text: string): boolean {
  return /[^\P{Cc}\t\n\f\r\u0085]|[\ufffd\p{Co}]/u.test(text)
}
