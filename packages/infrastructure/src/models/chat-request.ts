/** What every chat model checks before it starts, so that a bad request fails in the same way everywhere and costs nothing. */
import { infrastructureErrors } from '../errors.ts'
import type { ChatRequest } from './chat-model.ts'

/** @throws MODEL_REQUEST_INVALID, or the signal's reason when that has aborted. */
export function requireChatRequest({ messages, maxTokens, temperature, signal }: ChatRequest): void {
  signal?.throwIfAborted()
  const problem = messages.length === 0 ? 'messages has none' : (lengthProblem(maxTokens) ?? heatProblem(temperature))
  if (problem !== undefined) throw infrastructureErrors.MODEL_REQUEST_INVALID({ reason: problem })
}

function lengthProblem(maxTokens: number | undefined): string | undefined {
  if (maxTokens === undefined || (Number.isSafeInteger(maxTokens) && maxTokens > 0)) return undefined
  return `maxTokens must be a whole number from 1, not ${maxTokens}`
}

function heatProblem(temperature: number | undefined): string | undefined {
  if (temperature === undefined || (temperature >= 0 && temperature <= 2)) return undefined
  return `temperature must be from 0 to 2, not ${temperature}`
}
