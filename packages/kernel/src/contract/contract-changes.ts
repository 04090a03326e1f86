/**
 * What changed between two exports of contracts, and what of it breaks somebody: callers who give inputs, read outputs, test for errors,
 * use a route or follow events. A break is allowed where the contract's major version rose (for 0.x, its minor, as in semver).
 */
import { type SchemaChange, schemaChanges } from '../schema/schema-changes.ts'
import type { ContractData, ContractsDocument, OperationData } from './contract-data.ts'

export interface ContractChange {
  /** `notes@1.2.0`, by the earlier version. */
  readonly contract: string
  /** `add.input.title`, `events.NoteAdded.id`. */
  readonly path: string
  /** What changed, and whom it breaks. */
  readonly reason: string
  readonly isBreaking: boolean
  /** Breaking, but the major version says so. */
  readonly isAnnounced: boolean
}

/** All changes, in the order of the earlier export, then what is new. */
export function contractChanges(before: ContractsDocument, after: ContractsDocument): ContractChange[] {
  const known = new Set<ContractData>()
  const changes = before.contracts.flatMap((earlier) => {
    const later = successorOf(earlier, after.contracts)
    if (!later) return [changeOf(earlier, false, { path: '', reason: 'the contract was removed', isBreaking: true })]
    known.add(later)
    const isAnnounced = breakingPart(later.version) > breakingPart(earlier.version)
    return changesOf(earlier, later).map((change) => changeOf(earlier, isAnnounced, change))
  })
  const added = after.contracts.filter((one) => !known.has(one))
  return [
    ...changes,
    ...added.map((one) => changeOf(one, false, { path: '', reason: 'the contract is new', isBreaking: false })),
  ]
}

interface Change {
  readonly path: string
  readonly reason: string
  readonly isBreaking: boolean
}

/** The contract of the same name and major version, or the next higher one: several may be served side by side. */
function successorOf({ name, version }: ContractData, candidates: readonly ContractData[]): ContractData | undefined {
  return candidates
    .filter((one) => one.name === name && breakingPart(one.version) >= breakingPart(version))
    .sort((a, b) => breakingPart(a.version) - breakingPart(b.version))[0]
}

/** Grows exactly when a version may break callers: with the major, and below 1.0.0 with the minor. */
function breakingPart(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return major === 0 ? minor / 1_000_000 : major
}

function changeOf({ name, version }: ContractData, isMajor: boolean, change: Change): ContractChange {
  return { contract: `${name}@${version}`, ...change, isAnnounced: change.isBreaking && isMajor }
}

function changesOf(before: ContractData, after: ContractData): Change[] {
  return [
    ...compareNamed('', 'operation', before.operations, after.operations, operationChanges),
    ...compareNamed('events.', 'event', before.events, after.events, (path, earlier, later) =>
      readChanges(path, schemaChanges(earlier, later), 'who follows it'),
    ),
  ]
}

function operationChanges(path: string, before: OperationData, after: OperationData): Change[] {
  const changes: Change[] = []
  if (before.kind !== after.kind)
    changes.push({ path, reason: `a ${before.kind} became a ${after.kind}`, isBreaking: true })
  for (const [surface, address] of Object.entries(before.surfaces)) {
    const now = after.surfaces[surface]
    if (now !== address)
      changes.push({ path: `${path}.${surface}`, reason: `${address} became ${now ?? 'nothing'}`, isBreaking: true })
  }
  for (const [surface, address] of Object.entries(after.surfaces))
    if (!Object.hasOwn(before.surfaces, surface))
      changes.push({ path: `${path}.${surface}`, reason: `${address} is new`, isBreaking: false })
  return [
    ...changes,
    ...inputChanges(path, before, after),
    ...outputChanges(path, before, after),
    ...errorChanges(path, before, after),
  ]
}

function inputChanges(operation: string, { input: before }: OperationData, { input: after }: OperationData): Change[] {
  const path = `${operation}.input`
  if (before && after)
    return schemaChanges(before, after).map(({ path: inner, reason, narrows, isRemoval }) => ({
      path: join(path, inner),
      reason: narrows || isRemoval ? `${reason}: calls that were accepted are refused` : reason,
      isBreaking: narrows || isRemoval,
    }))
  if (before) return [{ path, reason: 'no input is taken any more: calls that give one are refused', isBreaking: true }]
  return after ? [{ path, reason: 'an input is asked for: calls without one are refused', isBreaking: true }] : []
}

function outputChanges(
  operation: string,
  { output: before }: OperationData,
  { output: after }: OperationData,
): Change[] {
  const path = `${operation}.output`
  if (before && after) return readChanges(path, schemaChanges(before, after), 'callers')
  if (before) return [{ path, reason: 'nothing is answered any more', isBreaking: true }]
  return after ? [{ path, reason: 'an output is answered', isBreaking: false }] : []
}

function errorChanges(operation: string, before: OperationData, after: OperationData): Change[] {
  return compareNamed(`${operation}.errors.`, 'error', before.errors, after.errors, (path, earlier, later) => {
    const changes: Change[] = []
    if (earlier.kind !== later.kind)
      changes.push({ path, reason: `its kind ${earlier.kind} became ${later.kind}`, isBreaking: true })
    if (earlier.details && later.details)
      changes.push(...readChanges(path, schemaChanges(earlier.details, later.details), 'callers'))
    else if (earlier.details) changes.push({ path, reason: 'its details were removed', isBreaking: true })
    return changes
  })
}

/** For what is read: a reader breaks when values widen beyond what it knows, or go away. */
function readChanges(path: string, changes: readonly SchemaChange[], readers: string): Change[] {
  return changes.map(({ path: inner, reason, widens, isRemoval }) => ({
    path: join(path, inner),
    reason: widens || isRemoval ? `${reason}: ${readers} may get what they do not expect` : reason,
    isBreaking: widens || isRemoval,
  }))
}

function compareNamed<T>(
  prefix: string,
  what: string,
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
  compare: (path: string, earlier: T, later: T) => Change[],
): Change[] {
  const changes = Object.entries(before).flatMap(([name, earlier]) => {
    const later = Object.hasOwn(after, name) ? after[name] : undefined
    if (later === undefined) return [{ path: prefix + name, reason: `the ${what} was removed`, isBreaking: true }]
    return compare(prefix + name, earlier, later)
  })
  const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name))
  return [
    ...changes,
    ...added.map((name) => ({ path: prefix + name, reason: `the ${what} is new`, isBreaking: false })),
  ]
}

function join(path: string, inner: string): string {
  return inner === '' ? path : `${path}.${inner}`
}
