export {
  type Adapter,
  type AdapterDefinition,
  type AdapterLifecycle,
  type AdapterPlatform,
  type AdapterRunner,
  type Contribute,
  type Contribution,
  defineAdapter,
  type Provided,
  type ProvidedPorts,
  type SystemPlace,
} from './adapter.ts'
export { boundedJson, boundedText, type JsonBounds } from './bounded-json.ts'
export {
  beginCall,
  type CallChanges,
  type CallContext,
  type CallOptions,
  type CallOrigin,
  createCall,
  currentCall,
  deriveCall,
  detachCall,
  type Identity,
  namedCall,
  rootCall,
  runInCall,
  type TraceContext,
} from './call-context.ts'
export { CallKey, isKeyText } from './call-key.ts'
export { type Clock, systemClock } from './clock.ts'
export type { ConfigChange } from './config/config-changes.ts'
export type { ConfigFile } from './config/config-file.ts'
export type { ConfigLayer, ConfigSections } from './config/config-layer.ts'
export {
  type ConfigEntry,
  Configuration,
  type ConfigurationOptions,
  type ConfigWatcher,
} from './config/configuration.ts'
export { type Environment, environments } from './config/environment.ts'
export type { ConfigVariables } from './config/environment-layer.ts'
export { isSecret, redacted, Secret, secret } from './config/secret.ts'
export {
  type Annotated,
  type Annotation,
  type AnnotationKind,
  defineAnnotation,
  type OperationShape,
} from './contract/annotation.ts'
export { callerOf } from './contract/caller-of.ts'
export { type CliCommand, cli, type Progress, progress, readCli, readProgress } from './contract/cli.ts'
export {
  type Contract,
  defineContract,
  type EventOf,
  type EventValues,
  type FacadeWord,
  facadeWords,
} from './contract/contract.ts'
export { type ContractChange, contractChanges } from './contract/contract-changes.ts'
export {
  type ContractData,
  type ContractsDocument,
  contractsDocument,
  type DeclaredErrorData,
  type OperationData,
  parseContractsDocument,
} from './contract/contract-data.ts'
export { type ContractError, errorsOf, isContractError } from './contract/contract-error.ts'
export type {
  DeclaredError,
  DeclaredErrorKind,
  ErrorDeclaration,
  ErrorDeclarations,
  ErrorValues,
} from './contract/declared-error.ts'
export type { Facade, Implementation, OperationMetrics, ServiceOperations } from './contract/facade.ts'
export {
  type CallParameters,
  type CallResult,
  command,
  type Handler,
  type Operation,
  type OperationKind,
  type Operations,
  type OperationValues,
  query,
  subscription,
} from './contract/operation.ts'
export { atLeast, serves } from './contract/version.ts'
export { Database, nowInSql, type Queryable, type QueryResult, type Statement } from './database/database.ts'
export {
  type AcquiredLease,
  isLeaseLost,
  type Lease,
  type LeaseChange,
  type LeaseSearch,
  Leases,
  type LeasesOptions,
  type LeaseTable,
} from './database/lease.ts'
export { type Migration, migrate } from './database/migrate.ts'
export {
  isArrayOfValues,
  isPlainValue,
  jsonParameter,
  refusedStatement,
  requireSendable,
} from './database/parameters.ts'
export { shownReason } from './database/shown-reason.ts'
export { type ErrorData, errorFromData, errorToData } from './error-data.ts'
export { kernelErrors } from './errors.ts'
export { type FlagEvaluator, Flags, type FlagTarget } from './flags/flag-evaluator.ts'
export { createRuleFlags, type FlagRule } from './flags/rule-flags.ts'
export { type HealthCheck, type HealthReport, type HealthStatus, worstOf } from './health/health.ts'
export { type HealthCheckOptions, HealthChecks, type HealthProbe } from './health/health-checks.ts'
export type { Json } from './json.ts'
export {
  defineErrors,
  type ErrorDefinition,
  type ErrorDetails,
  type ErrorFactory,
  type ErrorKind,
  errorKinds,
  isError,
  KeelsonError,
} from './keelson-error.ts'
export type { Component, ComponentState, ComponentStatus, StateChanged } from './lifecycle/component.ts'
export { Lifecycle, type LifecycleOptions } from './lifecycle/lifecycle.ts'
export { type Closeable, Lifetime } from './lifecycle/lifetime.ts'
export { type Dependent, startOrder } from './lifecycle/start-order.ts'
export { definePort, type Port } from './port.ts'
export { reasonOf } from './reason-of.ts'
export { isSecretName, withoutCredentials } from './redaction.ts'
export { coerceText } from './schema/coerce.ts'
export { jsonProblems, parseJson } from './schema/json-value.ts'
export {
  type Given,
  type JsonSchema,
  jsonSchemaOf,
  type Parsed,
  type Problem,
  problemsOf,
  type Schema,
  type SchemaIssue,
  type SchemaResult,
} from './schema/schema.ts'
export { isSame } from './schema/schema-fit.ts'
export {
  isRecord,
  partsOf,
  propertiesOf,
  propertyAt,
  referenceTarget,
  requiredOf,
  typesOf,
} from './schema/schema-parts.ts'
export { unknownKeys } from './schema/unknown-keys.ts'
export { promiseOf } from './thenable.ts'
export {
  type Needed,
  need,
  type OperationsUse,
  type Optional,
  type OptionalUse,
  optional,
  type Resolved,
  readUse,
  type Use,
  type Uses,
} from './uses.ts'
export { type Backoff, backoffMs } from './waiting/backoff.ts'
export { retryAfterIn, retryAfterOf } from './waiting/retry-after.ts'
export { type TimeLimit, withinTime } from './waiting/within-time.ts'
