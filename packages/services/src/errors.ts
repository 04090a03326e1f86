/** Every code the services package can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from '@keelson/kernel'

const listProblems = (problems: readonly { path: string; message: string }[]) =>
  problems.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')

type RemoteRefusal = {
  readonly operation: string
  readonly status: number
  /** What it said of when to come back. */
  readonly retryAfterMs?: number
}

const describeRefusal = ({ operation, status }: RemoteRefusal) => `Cannot call "${operation}": it answered ${status}`

export const servicesErrors = defineErrors({
  SERVICE_UNKNOWN: {
    kind: 'not-found',
    when: 'A service is asked for that the system does not have.',
    message: (d: { service: string; known: readonly string[] }) =>
      `Cannot find the service "${d.service}": this system has ${d.known.join(', ') || 'none'}`,
  },
  SERVICE_NOT_RUNNING: {
    kind: 'unavailable',
    retryable: true,
    when: 'An operation is called before its service is ready or after it was closed.',
    message: (d: { service: string; state: string }) => `Cannot call "${d.service}": the service is ${d.state}`,
  },
  SERVICE_IMPLEMENTATION_INCOMPLETE: {
    kind: 'invalid',
    when: 'What a service returned from start misses an operation of its contract.',
    message: (d: { service: string; operations: readonly string[]; place?: string }) =>
      `Cannot start "${d.service}"${d.place ? ` (${d.place})` : ''}: it does not implement ${d.operations.join(', ')}`,
  },
  SERVICE_IMPLEMENTATION_FOREIGN: {
    kind: 'invalid',
    when: 'What a service returned from start has something that is no operation of its contract.',
    message: (d: { service: string; operations: readonly string[]; place?: string }) =>
      `Cannot start "${d.service}"${d.place ? ` (${d.place})` : ''}: its contract has no ${d.operations.join(', ')}`,
  },
  OPERATION_UNKNOWN: {
    kind: 'not-found',
    when: 'An operation is called that the service does not have.',
    message: (d: { service: string; operation: string; known: readonly string[] }) =>
      `Cannot call "${d.service}.${d.operation}": the service has ${d.known.join(', ') || 'no operations'}`,
  },
  OPERATION_NOT_DECLARED: {
    kind: 'forbidden',
    when: 'A component calls an operation that it did not name in its `uses`.',
    message: (d: { caller: string; operation: string; declared: readonly string[] }) =>
      `Cannot call ${d.operation} from "${d.caller}": its \`uses\` names only ${d.declared.join(', ') || 'no operations'}`,
  },
  SERVICE_NOT_OWNED: {
    kind: 'forbidden',
    when: 'A facade that was given through `uses` is asked to start or to close its service.',
    message: (d: { service: string; caller: string; word: string }) =>
      `Cannot call ${d.word}() of "${d.service}" from "${d.caller}": only an owner, who resolved the service from the registry, may start or close it`,
  },
  OPERATION_INPUT_INVALID: {
    kind: 'invalid',
    when: 'The input of a call does not fit the contract; every problem is listed with its path.',
    message: (d: { operation: string; problems: readonly { path: string; message: string }[] }) =>
      `Cannot call "${d.operation}": ${listProblems(d.problems)}`,
  },
  OPERATION_OUTPUT_INVALID: {
    kind: 'internal',
    when: 'An implementation returned something that does not fit the contract, so that it was not sent.',
    message: (d: { operation: string; problems: readonly { path: string; message: string }[] }) =>
      `Cannot answer "${d.operation}": ${listProblems(d.problems)}`,
  },
  OPERATION_FAILED: {
    kind: 'internal',
    when: 'An implementation threw something other than a named error. The log has it under the correlation id; callers outside see nothing more.',
    message: (d: { operation: string }) => `"${d.operation}" failed unexpectedly`,
  },
  CONTRACT_VERSION_UNSERVED: {
    kind: 'invalid',
    when: 'A service or caller needs a version of a contract that the system does not serve: another major version, or a later one.',
    message: (d: { service?: string; contract: string; wanted: string; served: string }) =>
      `Cannot use ${d.contract} ${d.wanted}${d.service === undefined ? '' : ` in "${d.service}"`}: the system serves ${d.served}`,
  },
  ROUTE_DUPLICATE: {
    kind: 'invalid',
    when: 'Two operations or pages claim the same method and path.',
    message: (d: { method: string; path: string; operations?: readonly string[] }) =>
      `Cannot add the route ${d.method} ${d.path}: ${d.operations ? `${d.operations.join(' and ')} both claim it` : 'it is taken'}`,
  },
  ROUTE_INVALID: {
    kind: 'invalid',
    when: 'An http() annotation is not of the form `METHOD /path/{name}`, or its path has what no route may have.',
    message: (d: { route: string; reason?: string }) =>
      `Cannot read the route "${d.route}": ${d.reason ?? 'write METHOD /path/{name}'}`,
  },
  ROUTE_UNKNOWN: {
    kind: 'not-found',
    when: 'A request names a path that nothing serves.',
    message: (d: { method: string; path: string }) => `Nothing serves ${d.method} ${d.path}`,
  },
  ROUTE_METHOD_UNKNOWN: {
    kind: 'invalid',
    when: 'A request names a path that is served, but not with this method; `allow` has the methods (status 405).',
    message: (d: { method: string; path: string; allow: readonly string[] }) =>
      `${d.path} does not answer ${d.method}: use ${d.allow.join(', ')}`,
  },
  REQUEST_MALFORMED: {
    kind: 'invalid',
    when: 'A request cannot be read: broken JSON, bad percent-encoding, text that is not UTF-8, a body cut short.',
    message: (d: { reason: string }) => `Cannot read the request: ${d.reason}`,
  },
  REQUEST_TOO_LARGE: {
    kind: 'too-large',
    when: 'A request body is over the limit of its route.',
    message: (d: { limitBytes: number }) => `Cannot accept the request: the body is over ${d.limitBytes} bytes`,
  },
  REQUEST_TYPE_UNSUPPORTED: {
    kind: 'unsupported',
    when: 'A request carries a body of a type that the route does not take.',
    message: (d: { found: string; wanted: string }) => `Cannot accept a body of type "${d.found}": send ${d.wanted}`,
  },
  REQUEST_CANCELLED: {
    kind: 'cancelled',
    when: 'The caller went away before the answer was ready.',
    message: (_: Record<never, never>) => 'The caller no longer waits for the answer',
  },
  HOST_REFUSED: {
    kind: 'forbidden',
    when: 'A request to a listener for this machine alone comes from elsewhere: its Host or Origin names another host, another site caused it (`Sec-Fetch-Site`, `Referer`), or a proxy that the configuration does not name passed it on.',
    message: (d: { header: string; value: string }) =>
      `Refused: the ${d.header} header "${d.value}" says that the request comes from elsewhere`,
  },
  SYSTEM_KEY_WANTED: {
    kind: 'forbidden',
    when: 'A request at `/rpc`, `/system` or administration goes beyond reading and lacks the key of the system, which lies in `run.key` in its data folder.',
    message: (d: { header: string }) =>
      `Refused: send the key of this system, from "run.key" in its data folder, in the header ${d.header}`,
  },
  LISTENER_CLOSING: {
    kind: 'unavailable',
    retryable: true,
    when: 'A request or the reader of a stream meets a listener that is closing. Another process, or this one after its restart, will answer.',
    message: (_: Record<never, never>) => 'The system is closing: come back',
  },
  LISTENER_PORT_TAKEN: {
    kind: 'conflict',
    when: 'Another process listens on the port.',
    message: (d: { host: string; port: number }) =>
      `Cannot listen on ${d.host}:${d.port}: the port is taken. Choose another with --port (0 picks a free one)`,
  },
  LISTENER_PORT_UNUSABLE: {
    kind: 'unavailable',
    when: 'The address cannot be bound for another reason.',
    message: (d: { host: string; port: number; reason: string }) => `Cannot listen on ${d.host}:${d.port}: ${d.reason}`,
  },
  PEER_UNREACHABLE: {
    kind: 'unavailable',
    retryable: true,
    when: 'A system elsewhere does not answer, breaks off in the middle of its answer, or what answers is not one of ours. The cause, which the log shows, has its address.',
    message: (d: { operation: string }) => `Cannot reach the system that should answer "${d.operation}"`,
  },
  REMOTE_NOT_FOUND: {
    kind: 'not-found',
    when: 'A service reached over HTTP answered 404 or 410, and its contract declares no error for that.',
    message: (d: RemoteRefusal) => describeRefusal(d),
  },
  REMOTE_FORBIDDEN: {
    kind: 'forbidden',
    when: 'A service reached over HTTP answered 401 or 403, and its contract declares no error for that.',
    message: (d: RemoteRefusal) => describeRefusal(d),
  },
  REMOTE_CONFLICT: {
    kind: 'conflict',
    when: 'A service reached over HTTP answered 409 or 412, and its contract declares no error for that.',
    message: (d: RemoteRefusal) => describeRefusal(d),
  },
  REMOTE_REFUSED: {
    kind: 'invalid',
    when: 'A service reached over HTTP refused a call with another 4xx status.',
    message: (d: RemoteRefusal) => describeRefusal(d),
  },
  REMOTE_FAILED: {
    kind: 'unavailable',
    when: 'A service reached over HTTP failed with a 5xx status, answered with a redirect, or sent an error of its own in a stream.',
    message: (d: RemoteRefusal) => describeRefusal(d),
  },
  REMOTE_BUSY: {
    kind: 'unavailable',
    retryable: true,
    when: 'A service reached over HTTP cannot answer now: 408, 429, 502, 503 or 504.',
    message: (d: RemoteRefusal) => describeRefusal(d),
  },
  REMOTE_TIMEOUT: {
    kind: 'unavailable',
    retryable: true,
    when: 'A service reached over HTTP did not answer in time. Whether it did what was asked is not known.',
    message: (d: { operation: string; timeoutMs: number }) =>
      `Cannot call "${d.operation}": no answer within ${d.timeoutMs} ms`,
  },
  REMOTE_ANSWER_INVALID: {
    kind: 'internal',
    when: 'A service reached over HTTP answered with something that does not fit its contract.',
    message: (d: { operation: string; reason: string }) => `Cannot use the answer of "${d.operation}": ${d.reason}`,
  },
  OPENAPI_UNREADABLE: {
    kind: 'invalid',
    when: 'What should be an OpenAPI document cannot be read, is not JSON, or is neither version 3.0 nor 3.1; or the name for its contract is not one.',
    message: (d: { reason: string }) => `Cannot import the OpenAPI document: ${d.reason}`,
  },
  DATA_FOLDER_UNUSABLE: {
    kind: 'unavailable',
    when: "The system's data folder cannot be created or written.",
    message: (d: { folder: string; reason: string }) => `Cannot use the data folder "${d.folder}": ${d.reason}`,
  },
  MOCK_NOT_ANSWERED: {
    kind: 'internal',
    when: 'A test called an operation for which its mock has no answer.',
    message: (d: { operation: string }) => `The mock has no answer for "${d.operation}"`,
  },
  CALL_NOT_RECORDED: {
    kind: 'internal',
    when: 'A call is replayed that the recording does not have.',
    message: (d: { operation: string; input: string }) =>
      `The recording has no call of "${d.operation}" with the input ${d.input || 'nothing'}`,
  },
  TRACE_UNKNOWN: {
    kind: 'not-found',
    when: 'A trace is asked for that was not sampled, is not complete yet, or has made room for newer ones.',
    message: (d: { traceId: string }) =>
      `Cannot show the trace "${d.traceId}": it is not among the completed traces that this system keeps`,
  },
})
