/** Every code the kernel can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from './keelson-error.ts'

export const kernelErrors = defineErrors({
  CONTRACT_INVALID: {
    kind: 'invalid',
    when: 'A contract is defined with a bad name or version, or an operation, error or event with a name it may not have.',
    message: (d: { contract: string; reason: string; place?: string }) =>
      `Cannot define the contract "${d.contract}"${d.place ? ` (${d.place})` : ''}: ${d.reason}`,
  },
  CONTRACT_ERROR_INVALID: {
    kind: 'internal',
    when: 'An implementation made a declared error with details that do not fit its schema.',
    message: (d: { code: string; problems: readonly { path: string; message: string }[] }) =>
      `Cannot make the error ${d.code}: ${d.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
  },
  CONTRACT_DATA_INVALID: {
    kind: 'invalid',
    when: 'What should be exported contracts is something else, or was written by a newer version.',
    message: (d: { reason: string }) => `Cannot read the exported contracts: ${d.reason}`,
  },
  SCHEMA_WITHOUT_JSON: {
    kind: 'invalid',
    when: 'A schema of a contract or configuration has no JSON form: a transform, a date, a bigint, or a validator without Standard JSON Schema.',
    message: (d: { subject: string; reason: string }) => `Cannot describe ${d.subject} as JSON Schema: ${d.reason}`,
  },
  IDEMPOTENCY_KEY_INVALID: {
    kind: 'invalid',
    when: 'An idempotency key is empty, longer than 255 characters, given twice, or has a space or anything else that is not a visible ASCII character.',
    message: (d: { key: string }) =>
      `Cannot use the idempotency key "${d.key}": it must be 1 to 255 visible ASCII characters, given once`,
  },
  SCHEMA_VALUE_UNKNOWN: {
    kind: 'invalid',
    when: 'A value is to be made from a JSON Schema, and none was found that fits it: it contradicts itself or needs more than is understood.',
    message: (d: { schema: string }) => `Cannot make a value for the schema ${d.schema}`,
  },
  CONFIG_INVALID: {
    kind: 'invalid',
    when: 'Configuration does not fit its schemas; all problems are listed at once, each with the layer it came from.',
    message: (d: { problems: readonly string[] }) =>
      `Cannot use the configuration:\n${d.problems.map((one) => `  - ${one}`).join('\n')}`,
  },
  CONFIG_UNREADABLE: {
    kind: 'invalid',
    when: 'A configuration file is missing though it was named, cannot be read, or is not JSON.',
    message: (d: { file: string; reason: string }) => `Cannot read the configuration file "${d.file}": ${d.reason}`,
  },
  CONFIG_ENVIRONMENT_UNKNOWN: {
    kind: 'invalid',
    when: 'KEELSON_ENV names an environment that does not exist.',
    message: (d: { environment: string; known: readonly string[] }) =>
      `Cannot load the configuration for the environment "${d.environment}": KEELSON_ENV is one of ${d.known.join(', ')}`,
  },
  CONFIG_NOT_LOADED: {
    kind: 'internal',
    when: 'Configuration is used before it was loaded.',
    message: (_: Record<never, never>) => 'Cannot use the configuration: it has not been loaded',
  },
  CONFIG_UNWATCHED: {
    kind: 'unavailable',
    when: 'The folder of the configuration file cannot be watched: changes of the file are not noticed.',
    message: (d: { file: string; reason: string }) => `Cannot watch the configuration file "${d.file}": ${d.reason}`,
  },
  CONFIG_WATCHER_FAILED: {
    kind: 'internal',
    when: 'What was told of a change of the configuration threw; the change holds all the same.',
    message: (d: { reason: string }) => `A change of the configuration was not taken up: ${d.reason}`,
  },
  COMPONENT_DUPLICATE: {
    kind: 'invalid',
    when: 'Two services, or a service and a port, of one system share a name; or two schemas claim one section of configuration.',
    message: (d: { component: string }) => `Cannot add "${d.component}" to the system: the name is taken`,
  },
  DEPENDENCY_MISSING: {
    kind: 'invalid',
    when: 'A component uses something that nothing in the system provides.',
    message: (d: { dependency: string; path: readonly string[] }) =>
      `Cannot start: nothing provides "${d.dependency}"${d.path.length > 0 ? `, which ${d.path.join(' -> ')} needs` : ''}`,
  },
  DEPENDENCY_CYCLE: {
    kind: 'invalid',
    when: 'Components need each other in a circle, so that none can start first.',
    message: (d: { path: readonly string[] }) => `Cannot start: ${d.path.join(' -> ')} is a cycle`,
  },
  START_FAILED: {
    kind: 'unavailable',
    when: 'A component threw something other than a named error while it started; what had started was closed.',
    message: (d: { component: string; reason: string }) => `Cannot start "${d.component}": ${d.reason}`,
  },
  START_TIMED_OUT: {
    kind: 'unavailable',
    retryable: true,
    when: 'A component was not ready within its start time-out; what it opens later is closed at once.',
    message: (d: { component: string; timeoutMs: number }) =>
      `Cannot start "${d.component}": it was not ready within ${d.timeoutMs} ms`,
  },
  START_CANCELLED: {
    kind: 'cancelled',
    when: 'Everything was closed while components were starting.',
    message: (_: Record<never, never>) => 'Cannot finish the start: everything was closed meanwhile',
  },
  LIFETIME_ENDED: {
    kind: 'cancelled',
    when: 'The reason with which the signal of a lifetime aborts: the component is about to be closed.',
    message: (d: { subject: string }) => `"${d.subject}" is about to be closed`,
  },
  COMPONENT_FAILED: {
    kind: 'unavailable',
    retryable: true,
    when: 'A running component said of itself that it has failed, with something other than a named error.',
    message: (d: { component: string; reason: string }) => `"${d.component}" has failed: ${d.reason}`,
  },
  CLOSE_TIMED_OUT: {
    kind: 'internal',
    when: 'A component did not finish its work, or did not close, within its close time-out; the rest was closed all the same.',
    message: (d: { component: string; timeoutMs: number; waitedFor: string }) =>
      `Cannot close "${d.component}" cleanly: ${d.waitedFor} did not end within ${d.timeoutMs} ms`,
  },
  CLOSE_CUT: {
    kind: 'timeout',
    when: 'The time in which the whole system may close was over, or a second signal came, while this component was not done.',
    message: (d: { component: string; waitedFor: string }) =>
      `"${d.component}" was cut off: ${d.waitedFor} had not ended when the time to close was over`,
  },
  CLOSE_FAILED: {
    kind: 'internal',
    when: 'Something threw while it was closed; the rest was closed all the same.',
    message: (d: { subject: string; reason: string }) => `Cannot close "${d.subject}" cleanly: ${d.reason}`,
  },
  DATABASE_QUERY_FAILED: {
    kind: 'internal',
    when: "The database refused a statement; `sqlState` is PostgreSQL's code.",
    message: (d: { sqlState: string; reason: string }) =>
      `The database refused a statement (${d.sqlState}): ${d.reason}`,
  },
  DATABASE_TRANSACTION_OPEN: {
    kind: 'internal',
    when: 'The work of a transaction waits for a statement that it sent around it, to a database that is one connection: it would wait for itself for ever. The statement was not sent; use what the work is given.',
    message: (_: Record<never, never>) =>
      'Cannot send a statement around the transaction that is open on the only connection to the database',
  },
  DATABASE_CLOSED: {
    kind: 'unavailable',
    when: 'The database was used after it was closed, or its engine has ended.',
    message: (d: { reason: string }) => `Cannot use the database: ${d.reason}`,
  },
  DATABASE_UNREACHABLE: {
    kind: 'unavailable',
    retryable: true,
    when: 'No connection to the database server could be made: it is down, starting, or has no connection left. Nothing was sent.',
    message: (d: { address: string; reason: string }) => `Cannot reach the database at ${d.address}: ${d.reason}`,
  },
  DATABASE_ADDRESS_INVALID: {
    kind: 'invalid',
    when: 'The address of a database server is not in the form that is wanted. The error shows nothing of it, since it may hold a password.',
    message: (d: { reason: string }) => `Cannot use the address of the database: ${d.reason}`,
  },
  DATABASE_ACCESS_REFUSED: {
    kind: 'unavailable',
    when: 'The database server answered and refused the user, the password or the name of the database.',
    message: (d: { address: string; sqlState: string; reason: string }) =>
      `Cannot open the database at ${d.address}: ${d.reason} (${d.sqlState})`,
  },
  DATABASE_POOL_EXHAUSTED: {
    kind: 'unavailable',
    retryable: true,
    when: 'All connections to the database were in use for as long as a statement may wait for one. Nothing was sent.',
    message: (d: { connections: number; waitedMs: number }) =>
      `Cannot run a statement: all ${d.connections} connections to the database were in use for ${d.waitedMs} ms`,
  },
  DATABASE_CONNECTION_LOST: {
    kind: 'unavailable',
    retryable: true,
    when: 'The connection was lost before a commit was asked for: nothing of the statement or transaction took effect.',
    message: (d: { reason: string }) =>
      `The connection to the database was lost before anything took effect: ${d.reason}`,
  },
  DATABASE_OUTCOME_UNKNOWN: {
    kind: 'unavailable',
    when: 'The connection was lost between a commit and its answer: it took effect or not. Only who can recognise a repeat may try again.',
    message: (d: { reason: string }) =>
      `The connection to the database was lost while it committed, so that the outcome is unknown: ${d.reason}`,
  },
  DATABASE_TIMED_OUT: {
    kind: 'unavailable',
    retryable: true,
    when: 'A statement took longer than the statement or lock time-out and was undone.',
    message: (d: { sqlState: string; reason: string }) =>
      `The database gave up on a statement (${d.sqlState}): ${d.reason}`,
  },
  DATABASE_CONTENDED: {
    kind: 'conflict',
    retryable: true,
    when: 'The database undid a transaction in favour of another one (a deadlock or a serialisation failure); run it again.',
    message: (d: { sqlState: string; reason: string }) =>
      `The database undid a transaction in favour of another (${d.sqlState}): ${d.reason}`,
  },
  DATABASE_READ_ONLY: {
    kind: 'unavailable',
    retryable: true,
    when: 'A change was sent to a server that takes none, such as a standby that has not been promoted yet.',
    message: (d: { reason: string }) => `Cannot change the database: ${d.reason}`,
  },
  DATABASE_FULL: {
    kind: 'unavailable',
    retryable: true,
    when: 'The database has no disk space or memory left for a statement, which was undone.',
    message: (d: { sqlState: string; reason: string }) =>
      `The database has no room for a statement (${d.sqlState}): ${d.reason}`,
  },
  DATABASE_IN_USE: {
    kind: 'conflict',
    when: 'The data folder is held by another running process.',
    message: (d: { folder: string }) =>
      `Cannot open the data folder "${d.folder}": another process is using it. Stop that one or name another folder`,
  },
  DATABASE_FOLDER_UNUSABLE: {
    kind: 'unavailable',
    when: 'The data folder cannot be created, written or opened.',
    message: (d: { folder: string; reason: string }) => `Cannot use the data folder "${d.folder}": ${d.reason}`,
  },
  LEASE_LOST: {
    kind: 'conflict',
    retryable: true,
    when: 'A holder that was silent for too long goes on with a lease that another has taken over, or that was given back.',
    message: (d: { lease: string }) => `Cannot go on with the lease "${d.lease}": another holder may have it by now`,
  },
  DATABASE_NEWER: {
    kind: 'conflict',
    when: 'The data was written by a newer version of the program.',
    message: (d: { owner: string; found: number; known: number }) =>
      `Cannot use the tables of "${d.owner}": they are of version ${d.found}, this program knows ${d.known}. Use a newer version of the program`,
  },
})
