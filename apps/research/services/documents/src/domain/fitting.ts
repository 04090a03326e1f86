/**
 * When a model is to be fitted on the passages: when there are passages and nothing else embeds, and again when what is there now is no
 * longer what the model was fitted on.
 */
import type { Resolved } from '../../../models/src/contract.ts'

/** The name under which models fitted on the passages are registered. */
export const corpusModel = 'passages'

/** With fewer there is nothing to learn from which words keep company. */
const fewestPassages = 20
/** Passages that must have changed since before it is asked whether they speak of something else. */
const fewestChanged = 100
const sampled = 300
/** So much more of what recent texts say is unknown than was to be expected. */
const drift = 0.1

export interface CorpusState {
  passages(): Promise<number>
  /** Passages of documents changed after a value of the change counter: how many, and some of their texts. */
  changedAfter(change: number, limit: number): Promise<{ readonly count: number; readonly texts: readonly string[] }>
  /** How much of what the texts say the model does not know, and what it would be for texts like those it was fitted on. */
  unknownShare(texts: readonly string[]): Promise<{ readonly share: number; readonly expected: number }>
}

/** @param model what embeds now; null when nothing does. */
export async function needsFitting(model: Resolved | null, corpus: CorpusState): Promise<boolean> {
  if (model && (model.source !== 'registered' || model.model !== corpusModel)) return false
  const passages = await corpus.passages()
  if (passages < fewestPassages) return false
  if (!model) return true
  const fittedOn = Number(model.tags['texts'] ?? 0)
  if (passages > 2 * fittedOn || passages < fittedOn / 4) return true
  const { count, texts } = await corpus.changedAfter(Number(model.tags['change'] ?? 0), sampled)
  if (count < Math.max(fewestChanged, fittedOn / 20)) return false
  const { share, expected } = await corpus.unknownShare(texts)
  return share > expected + drift
}
