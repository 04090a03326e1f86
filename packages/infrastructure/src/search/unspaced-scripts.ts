/**
 * Scripts that are written without spaces, or in which a word alone seldom stands between two: Han, kana, Hangul, Thai and its
 * neighbours. Overlapping pairs of characters are as good as words for ranking and need no dictionary.
 */
import { fold } from './folding.ts'
import type { Token } from './token.ts'

const scripts = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ーｰﾞﾟ`

export const unspacedRun = new RegExp(String.raw`[${scripts}][${scripts}\p{M}]*`, 'gu')

/** A character as a reader counts them: a Hangul syllable that was taken apart, or anything with the marks on it. */
const character =
  /(?:[\u{1100}-\u{115F}\u{A960}-\u{A97C}][\u{1160}-\u{11A7}\u{D7B0}-\u{D7C6}]*[\u{11A8}-\u{11FF}\u{D7CB}-\u{D7FB}]*|[\s\S])[\p{M}ﾞﾟ]*/gu
const meansSomethingAlone = /[\p{Script=Han}\p{Script=Hangul}]/u

/** Pairs of neighbouring characters; the character itself when it is alone; and each character that can be a word. */
export function unspacedTokens(run: string, at: number): Token[] {
  const characters = run.match(character) ?? []
  if (characters.length === 1) return [{ term: fold(run), start: at, end: at + run.length, kind: 'word' }]
  const tokens: Token[] = []
  let start = at
  for (const [position, one] of characters.entries()) {
    const end = start + one.length
    const next = characters[position + 1]
    if (meansSomethingAlone.test(one)) tokens.push({ term: fold(one), start, end, kind: 'character' })
    if (next !== undefined) tokens.push({ term: fold(one + next), start, end: end + next.length, kind: 'word' })
    start = end
  }
  return tokens
}
