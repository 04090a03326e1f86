/** Every code this package can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from '@keelson/kernel'

export const infrastructureErrors = defineErrors({
  SEARCH_QUERY_INVALID: {
    kind: 'invalid',
    when: 'A search has a negative or fractional limit or offset, a text that is no string, or a glob that cannot be read or has too many stars.',
    message: (d: { field: string; reason: string }) => `Cannot search: ${d.field} ${d.reason}`,
  },
  SEARCH_SNAPSHOT_INVALID: {
    kind: 'invalid',
    when: 'Bytes given as a snapshot of a search index are damaged, cut short, of another version or something else altogether.',
    message: (d: { reason: string }) => `Cannot open the snapshot of the search index: ${d.reason}`,
  },
  SEARCH_INDEX_UNKNOWN: {
    kind: 'not-found',
    when: 'A search index is named that was never created, or was deleted.',
    message: (d: { index: string }) => `Cannot use the search index "${d.index}": there is none of this name`,
  },
  SEARCH_FIELD_UNKNOWN: {
    kind: 'invalid',
    when: 'A filter, facet or sort order names an attribute that the settings of the search index do not have.',
    message: (d: { index: string; field: string }) =>
      `Cannot use the field "${d.field}" of the search index "${d.index}": its settings have no such attribute`,
  },
  SEARCH_FILTER_INVALID: {
    kind: 'invalid',
    when: 'A filter compares an attribute with a value of another type or in a way its type does not have, or is nested too deep.',
    message: (d: { index: string; reason: string }) => `Cannot filter the search index "${d.index}": ${d.reason}`,
  },
  SEARCH_DOCUMENT_INVALID: {
    kind: 'invalid',
    when: 'A document given to a search index has no id, a field the settings do not have, or a value of another type.',
    message: (d: { index: string; id: string; reason: string }) =>
      `Cannot add the document "${d.id}" to the search index "${d.index}": ${d.reason}`,
  },
  SEARCH_SETTINGS_INVALID: {
    kind: 'invalid',
    when: 'A search index is to be created with settings that make no sense, such as no field to search or two roles for one field.',
    message: (d: { index: string; reason: string }) => `Cannot create the search index "${d.index}": ${d.reason}`,
  },
  VECTOR_INVALID: {
    kind: 'invalid',
    when: 'A vector given to a vector index has another dimension, holds a number that is not finite, or is zero and has no direction.',
    message: (d: { subject: string; reason: string }) => `Cannot use ${d.subject}: it ${d.reason}`,
  },
  VECTOR_INDEX_INVALID: {
    kind: 'invalid',
    when: 'A vector index is to be created with an option out of bounds.',
    message: (d: { option: string; reason: string }) => `Cannot create a vector index: ${d.option} ${d.reason}`,
  },
  VECTOR_INDEX_FULL: {
    kind: 'too-large',
    when: 'A vector index would take more memory than there is: 4 GiB at most, 2.7 million vectors of dimension 384.',
    message: (d: { entries: number; dimension: number }) =>
      `Cannot hold ${d.entries} vectors of dimension ${d.dimension} in one vector index: there is no memory for them`,
  },
  VECTOR_COLLECTION_UNKNOWN: {
    kind: 'not-found',
    when: 'A collection of a vector store is used that was not created, or has been dropped.',
    message: (d: { collection: string }) => `Cannot use the vectors of "${d.collection}": there is no such collection`,
  },
  VECTOR_COLLECTION_CONFLICT: {
    kind: 'conflict',
    when: 'A collection of a vector store is to be created that is there already, with vectors of another dimension.',
    message: (d: { collection: string; found: number; dimension: number }) =>
      `Cannot create the collection "${d.collection}" for vectors of dimension ${d.dimension}: it is there with dimension ${d.found}`,
  },
  VECTOR_STORE_UNAVAILABLE: {
    kind: 'unavailable',
    retryable: true,
    when: 'The server that keeps vectors cannot be reached, is overloaded, takes too long or answers with something else than was asked.',
    message: (d: { reason: string; retryAfterMs?: number }) => `The vector store cannot be used now: ${d.reason}`,
  },
  VECTOR_STORE_REFUSED: {
    kind: 'invalid',
    when: 'The server that keeps vectors refuses a request: a missing right, a limit of its own.',
    message: (d: { status: number; reason: string }) =>
      `The vector store refused a request (status ${d.status}): ${d.reason}`,
  },
  VECTOR_SNAPSHOT_INVALID: {
    kind: 'invalid',
    when: 'Bytes given as a snapshot of a vector index are damaged, cut short, of another version or something else altogether.',
    message: (d: { reason: string }) => `Cannot open the snapshot of the vector index: ${d.reason}`,
  },
  MODEL_OPTIONS_INVALID: {
    kind: 'invalid',
    when: 'A model is to be made with a dimension, a size or a limit that makes no sense.',
    message: (d: { reason: string }) => `Cannot make the model: ${d.reason}`,
  },
  MODEL_CORPUS_EMPTY: {
    kind: 'invalid',
    when: 'A model is to be fitted on texts none of which has a word.',
    message: (d: { texts: number }) => `Cannot fit the model: none of the ${d.texts} texts has a word`,
  },
  MODEL_FIT_FAILED: {
    kind: 'internal',
    when: 'The thread in which a model is fitted ends before its time, for want of memory for instance.',
    message: (d: { reason: string }) => `Cannot fit the model: ${d.reason}`,
  },
  MODEL_BYTES_INVALID: {
    kind: 'invalid',
    when: 'Bytes given as a model are damaged, cut short, of another version or something else altogether.',
    message: (d: { reason: string }) => `Cannot open the bytes of the model: ${d.reason}`,
  },
  MODEL_REQUEST_INVALID: {
    kind: 'invalid',
    when: 'A model is asked without a message, or with a limit or temperature outside what there is.',
    message: (d: { reason: string }) => `Cannot ask the model: ${d.reason}`,
  },
  MODEL_REQUEST_REFUSED: {
    kind: 'invalid',
    when: 'The endpoint of a model refuses a request for what it holds: an unknown model, a text that is too long, a missing right.',
    message: (d: { model: string; status: number; reason: string }) =>
      `The endpoint of the model "${d.model}" refused the request (status ${d.status}): ${d.reason}`,
  },
  MODEL_UNAVAILABLE: {
    kind: 'unavailable',
    retryable: true,
    when: 'The endpoint of a model cannot be reached, is overloaded, fails, takes too long or breaks off, and trying again did not help.',
    message: (d: { model: string; reason: string; retryAfterMs?: number }) =>
      `The model "${d.model}" cannot be used now: ${d.reason}`,
  },
  MODEL_ANSWER_INVALID: {
    kind: 'unavailable',
    when: 'The endpoint of a model answers with something else than was asked for: no JSON, too few vectors, another dimension, NaN.',
    message: (d: { model: string; reason: string }) =>
      `The answer of the model "${d.model}" cannot be used: ${d.reason}`,
  },
  MODEL_BUDGET_SPENT: {
    kind: 'unavailable',
    when: 'A request would take more tokens than are left of what this process may use.',
    message: (d: { model: string; budget: number; used: number; needed: number }) =>
      `The model "${d.model}" is not asked: ${d.used} of ${d.budget} tokens are used, and about ${d.needed} are needed`,
  },
  FUSION_INVALID: {
    kind: 'invalid',
    when: 'Two rankings are to become one by a weight outside 0 to 1, or hold a score that is not finite.',
    message: (d: { reason: string }) => `Cannot fuse the rankings: ${d.reason}`,
  },
})
