/**
 * Brings the spellings of a word to one form, so that what differs in case, accents, width or presentation only is found by either.
 * Marks are dropped where readers drop them (Latin, Greek, Arabic, Hebrew) and kept where they are letters (Devanagari, Cyrillic й).
 */

const ascii = /^[\0-\x7f]*$/

/** Folds a word, a number or a part of one. What is no letter, digit or mark falls away, except the point and comma inside a number. */
export function fold(word: string): string {
  if (ascii.test(word)) return word.toLowerCase()
  return word
    .normalize('NFKD')
    .toLowerCase()
    .replace(markedLetter, '$1')
    .replace(vowelSigns, '')
    .replace(spelledOtherwise, (letter) => spellings[letter] ?? letter)
    .replace(arabicDigit, (digit) => String(digit.charCodeAt(0) & 0xf))
    .normalize('NFC')
    .replace(neitherLetterNorDigit, '')
}

/** Without looking back from each mark, which would take quadratic time on a letter with very many. */
const markedLetter = /([\p{Script=Latin}\p{Script=Greek}])\p{M}+/gu

/** Arabic vowel signs and the hamza above or below, Hebrew points. */
const vowelSigns = /[\u{0591}-\u{05C7}\u{0610}-\u{061A}\u{064B}-\u{065F}\u{0670}\u{06D6}-\u{06ED}]/gu

const spellings: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  þ: 'th',
  ς: 'σ',
  // Cyrillic yo, taken apart: it is seldom typed.
  '\u0435\u0308': '\u0435',
  // Arabic letters that are typed for one another; the tatweel only stretches a word.
  ى: 'ي',
  ی: 'ي',
  ک: 'ك',
  ة: 'ه',
  ـ: '',
  ٱ: 'ا',
  ہ: 'ه',
  ھ: 'ه',
}
const spelledOtherwise = new RegExp(Object.keys(spellings).join('|'), 'gu')

/** Arabic-Indic digits and their eastern forms: the last four bits are the value. */
const arabicDigit = /[\u{0660}-\u{0669}\u{06F0}-\u{06F9}]/gu

const neitherLetterNorDigit = /[^\p{L}\p{N}\p{M}.,]/gu
