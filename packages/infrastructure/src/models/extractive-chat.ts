/**
 * The chat model that needs no weights: it answers with sentences of the conversation itself, those that speak to the question. Whoever
 * hands it the passages found gets an answer that is a quotation, word for word; it writes nothing of its own.
 */
import { analyze, queryTerms } from '../search/analyzer.ts'
import type { ChatModel, ChatRequest } from './chat-model.ts'
import { createLocalChat } from './local-chat.ts'

const mostSentences = 5
const nothingFound = 'Nothing in the text that was given answers this.'

/**
 * The question is the last paragraph of the last user message; the text it is answered from is all that stands before it. Up to five
 * sentences that share terms with the question are quoted in their order, each exactly as it stands; rare terms weigh more than common
 * ones. Where none does, it says so. A token is a word with the white space behind it.
 */
export function createExtractiveChat(): ChatModel {
  return createLocalChat('extractive', answerTo)
}

function answerTo({ messages }: ChatRequest): string {
  const asked = messages.findLastIndex(({ role }) => role === 'user')
  const paragraphs = (messages[asked]?.content ?? '').trim().split(/\n\s*\n/)
  const question = new Set(queryTerms(paragraphs.at(-1) ?? '').keys())
  const source = [...messages.slice(0, Math.max(asked, 0)).map(({ content }) => content), ...paragraphs.slice(0, -1)]
  const sentences = [...new Set(source.flatMap(sentencesOf))]
  const best = ranked(sentences, question).slice(0, mostSentences)
  if (best.length === 0) return nothingFound
  return best
    .toSorted((a, b) => a - b)
    .map((at) => sentences[at])
    .join(' ')
}

/** Positions of the sentences that share a term with the question, best first. */
function ranked(sentences: readonly string[], question: ReadonlySet<string>): number[] {
  const terms = sentences.map((sentence) => new Set(analyze(sentence)))
  const holders = new Map([...question].map((term) => [term, terms.filter((own) => own.has(term)).length]))
  const scores = terms.map((own) => {
    let score = 0
    for (const term of question) if (own.has(term)) score += Math.log(1 + sentences.length / (holders.get(term) ?? 1))
    // Long sentences hold many terms by chance.
    return score / Math.log(8 + own.size)
  })
  return scores
    .map((score, at) => ({ score, at }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || a.at - b.at)
    .map(({ at }) => at)
}

function sentencesOf(text: string): string[] {
  const segments = new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(text)
  return Array.from(segments, ({ segment }) => segment.trim()).filter((sentence) => sentence !== '')
}
