/**
 * A contract as JSON: what `keelson contract export` writes, so that tomorrow's contract can be compared with today's. Whatever a surface
 * hangs on an operation (its route) is data too, given by who knows the surface.
 */
import { kernelErrors } from '../errors.ts'
import type { ErrorKind } from '../keelson-error.ts'
import { type JsonSchema, jsonSchemaOf, type Schema } from '../schema/schema.ts'
import { isRecord } from '../schema/schema-parts.ts'
import type { Contract } from './contract.ts'
import type { Operation, OperationKind } from './operation.ts'

export interface ContractData {
  readonly name: string
  readonly version: string
  readonly operations: Readonly<Record<string, OperationData>>
  readonly events: Readonly<Record<string, JsonSchema>>
}

export interface OperationData {
  readonly kind: OperationKind
  readonly summary: string
  readonly input?: JsonSchema
  readonly output?: JsonSchema
  readonly errors: Readonly<Record<string, DeclaredErrorData>>
  /** How callers outside reach it, by surface: `{ http: 'GET /v1/notes/{id}' }`. */
  readonly surfaces: Readonly<Record<string, string>>
}

export interface DeclaredErrorData {
  readonly kind: ErrorKind
  readonly details?: JsonSchema
}

/** The document of an export. */
export interface ContractsDocument {
  readonly format: typeof format
  readonly contracts: readonly ContractData[]
}

const format = 'keelson-contracts/1'

/** All contracts of a system as data. `surfacesOf` says how an operation is reached from outside. */
export function contractsDocument(
  contracts: readonly Contract[],
  surfacesOf: (operation: Operation) => Readonly<Record<string, string>> = () => ({}),
): ContractsDocument {
  return { format, contracts: contracts.map((contract) => contractData(contract, surfacesOf)) }
}

/** Reads an export. Throws CONTRACT_DATA_INVALID. */
export function parseContractsDocument(value: unknown): ContractsDocument {
  const refuse = (reason: string) => kernelErrors.CONTRACT_DATA_INVALID({ reason })
  if (!isRecord(value) || typeof value['format'] !== 'string') throw refuse('it is not an export of contracts')
  if (value['format'] !== format) throw refuse(`its format is "${value['format']}", this program reads "${format}"`)
  const { contracts } = value
  if (!Array.isArray(contracts)) throw refuse('it has no list of contracts')
  for (const [position, contract] of contracts.entries()) {
    const reason = whyNotAContract(contract)
    if (reason) throw refuse(`contracts.${position}: ${reason}`)
  }
  // Everything that comparing reads has just been looked at; JSON Schemas may be any object.
  return value as unknown as ContractsDocument
}

function contractData(
  { name, version, operations, events }: Contract,
  surfacesOf: (operation: Operation) => Readonly<Record<string, string>>,
): ContractData {
  return {
    name,
    version,
    operations: mapValues(operations, (operation, key) => operationData(`${name}.${key}`, operation, surfacesOf)),
    events: mapValues(events, (schema, key) => jsonSchemaOf(schema, 'output', `${name} event ${key}`)),
  }
}

function operationData(
  subject: string,
  operation: Operation,
  surfacesOf: (operation: Operation) => Readonly<Record<string, string>>,
): OperationData {
  const { kind, summary, input, output, errors } = operation
  return {
    kind,
    summary,
    ...schemaAt('input', input, 'input', subject),
    ...schemaAt('output', output, 'output', subject),
    errors: mapValues(errors, ({ kind, details }) => ({ kind, ...schemaAt('details', details, 'output', subject) })),
    surfaces: surfacesOf(operation),
  }
}

function schemaAt<Key extends string>(
  key: Key,
  schema: Schema | undefined,
  side: 'input' | 'output',
  subject: string,
): { readonly [K in Key]?: JsonSchema } {
  // A computed key of a generic type is widened by the compiler; it is the one asked for.
  return (schema ? { [key]: jsonSchemaOf(schema, side, subject) } : {}) as { readonly [K in Key]?: JsonSchema }
}

function whyNotAContract(value: unknown): string | undefined {
  if (!isRecord(value) || typeof value['name'] !== 'string') return 'it has no name'
  if (typeof value['version'] !== 'string') return 'it has no version'
  if (!isRecord(value['events'])) return 'it has no events'
  if (!isRecord(value['operations'])) return 'it has no operations'
  const broken = Object.entries(value['operations']).find(
    ([, one]) =>
      !isRecord(one) || typeof one['kind'] !== 'string' || !isRecord(one['errors']) || !isRecord(one['surfaces']),
  )
  return broken && `the operation "${broken[0]}" has no kind, errors or surfaces`
}

function mapValues<T, Made>(
  record: Readonly<Record<string, T>>,
  map: (value: T, key: string) => Made,
): Record<string, Made> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
}
