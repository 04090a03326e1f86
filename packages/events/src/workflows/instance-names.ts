/**
 * How instances are told apart wherever they leave a trace: streams, ids of records, keys of steps, ids of children. Every name is made of
 * parts that cannot run into each other, whatever ids contain. Instances that were begun when workflows were called processes keep the
 * names they began with, which are told by their stream.
 */
import { createHash } from 'node:crypto'
import { hashedEventId } from '../store/event-ids.ts'

export interface Instance {
  readonly workflow: string
  readonly id: string
}

/** An instance as the database has it. */
export interface StoredInstance extends Instance {
  readonly stream: string
}

/** What a record is of: `done` of a step, a signal by name and key. Numbers and text differ. */
export type RecordOf = readonly (string | number)[]

const formerPrefix = 'process-'
const shownCharacters = 100

/** The stream of an instance that begins now. Names of workflows have no slash. */
export function streamOf({ workflow, id }: Instance): string {
  return `workflow/${workflow}/${id}`
}

/** The same for each try of a step, and of no other step of any instance; printable ASCII, so that it fits in a header. */
export function stepKeyOf({ workflow, id, stream }: StoredInstance, key: string): string {
  return isFormer(stream)
    ? `${workflow}/${id}/${key}`
    : `${workflow}/${encodeURIComponent(id)}/${encodeURIComponent(key.toWellFormed())}`
}

/** The first record of an id counts, whoever writes it. */
export function recordIdOf(log: string, { workflow, id, stream }: StoredInstance, of: RecordOf): string {
  return isFormer(stream)
    ? hashedEventId(log, 'process', workflow, id, of.join(' '))
    : hashedEventId(log, 'workflow', workflow, id, ...of)
}

/** The id of a child that begins now: readable at its beginning, and told apart by a hash of whose child it is. */
export function childIdOf({ workflow, id }: Instance, key: string): string {
  const shown = `${id}/${key}`.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '_').slice(0, shownCharacters)
  const hash = createHash('sha256')
    .update(JSON.stringify([workflow, id, key]))
    .digest('base64url')
  return `${shown.toWellFormed()}~${hash.slice(0, 22)}`
}

/** From 0 up to 1, the same for each draw of an instance whenever it is run again. */
export function randomOf({ workflow, id }: Instance, draw: number): number {
  const parts = JSON.stringify([workflow, id, draw])
  return createHash('sha256').update(parts).digest().readUInt32BE() / 2 ** 32
}

/** Of names that need no quotes as keys of a map. */
export function keyOf({ workflow, id }: Instance): string {
  return `${workflow} ${id}`
}

function isFormer(stream: string): boolean {
  return stream.startsWith(formerPrefix)
}
