/** What a single word is indexed under: its folded spelling, without what English and French hang on with an apostrophe, and stemmed. */
import stem from 'wink-porter2-stemmer'
import { fold } from './folding.ts'
import { stopWords } from './stop-words.ts'

export interface WordTerm {
  readonly term: string
  readonly isStopWord: boolean
}

const longestTerm = 64
const englishEnding = /'(?:s|ll|re|ve|d|m)$/i
const frenchBeginning = /^(?:[cdjlmnst]|qu)'(?=..)/i
const thousands = /^\d{1,3}(?:,\d{3})+$/
/** Above this length it is no English word, and the stemmer's patterns take more than linear time. */
const stemmable = /^[a-z]{3,40}$/

/**
 * The Arabic article with what is written together with it ("and the", "in the"), before three letters or more. Without it words are found
 * far better (Larkey, Ballesteros and Connell, "Improving Stemming for Arabic Information Retrieval", 2002).
 */
const arabicArticle = /^(?:[وبكف]?ال|لل)(?=\p{Script=Arabic}{3})/u

/** The term of a word; `undefined` when nothing of it is left. A stop word's term begins with `=`, so that no stem equals it. */
export function wordTerm(word: string): WordTerm | undefined {
  const folded = fold(withoutApostrophes(word)).slice(0, longestTerm)
  if (folded === '') return undefined
  if (stopWords.has(folded)) return { term: `=${folded}`, isStopWord: true }
  if (stemmable.test(folded)) return { term: stem(folded), isStopWord: false }
  const bare = folded.replace(arabicArticle, '')
  return { term: thousands.test(bare) ? bare.replaceAll(',', '') : bare, isStopWord: false }
}

function withoutApostrophes(word: string): string {
  const straight = word.replace(/[’ʼ＇]/g, "'")
  if (!straight.includes("'")) return straight
  return straight.replace(englishEnding, '').replace(frenchBeginning, '').replaceAll("'", '')
}
