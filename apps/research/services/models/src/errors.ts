/** Every code the models service can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from '@keelson/kernel'

export const modelsErrors = defineErrors({
  MODELS_UNKNOWN: {
    kind: 'not-found',
    when: 'A model, version or alias is named that is not there.',
    message: (d: { name: string; version?: string; known: readonly string[] }) =>
      `Cannot use the model "${d.name}"${d.version === undefined ? '' : ` in version "${d.version}"`}: there is ${d.known.join(', ') || 'none yet'}`,
  },
  MODELS_TASK_WRONG: {
    kind: 'invalid',
    when: 'A model that embeds is asked to chat, or the other way round.',
    message: (d: { name: string; task: string; wanted: string }) =>
      `Cannot ${d.wanted} with the model "${d.name}": it is there to ${d.task}`,
  },
  MODELS_NAME_TAKEN: {
    kind: 'conflict',
    when: 'A model is to be registered, or an alias set, under a name that something else has.',
    message: (d: { name: string; reason: string }) => `Cannot give the name "${d.name}": ${d.reason}`,
  },
  MODELS_DIMENSION_FIXED: {
    kind: 'invalid',
    when: 'Vectors of another dimension are asked for than the model makes.',
    message: (d: { name: string; dimension: number; wanted: number }) =>
      `Cannot make vectors of dimension ${d.wanted} with the model "${d.name}": it makes those of ${d.dimension}`,
  },
  MODELS_TENSOR_INVALID: {
    kind: 'invalid',
    when: 'A request of the Open Inference Protocol has another tensor than one of texts.',
    message: (d: { reason: string }) => `Cannot infer: ${d.reason}`,
  },
})
