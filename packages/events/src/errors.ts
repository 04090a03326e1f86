/** Every code this package can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from '@keelson/kernel'

export const eventsErrors = defineErrors({
  EVENTS_VERSION_CONFLICT: {
    kind: 'conflict',
    when: 'A stream is not at the version that an append expected: somebody else was first. Nothing of the append was written.',
    message: (d: { stream: string; expected: number | string; found: number }) =>
      `Cannot append to stream "${d.stream}": expected ${typeof d.expected === 'number' ? `version ${d.expected}` : d.expected}, found ${
        d.found === 0 ? 'no such stream' : `version ${d.found}`
      }`,
  },
  EVENTS_CONDITION_FAILED: {
    kind: 'conflict',
    when: 'Since an append looked, events have come that its condition names. Nothing of it was written.',
    message: (d: { after: number; position: number }) =>
      `Cannot append: an event at position ${d.position} meets the condition, which looked as far as ${d.after}`,
  },
  EVENTS_STREAM_CLOSED: {
    kind: 'conflict',
    when: 'A stream is archived or tombstoned: it takes no more events.',
    message: (d: { stream: string; state: string }) => `Cannot append to stream "${d.stream}": it is ${d.state}`,
  },
  EVENTS_STREAM_NOT_FOUND: {
    kind: 'not-found',
    when: 'A stream that should be archived, truncated or tombstoned has never had an event.',
    message: (d: { stream: string; attempt: string }) => `Cannot ${d.attempt} stream "${d.stream}": there is none`,
  },
  EVENTS_ERASURE_REFUSED: {
    kind: 'conflict',
    when: 'Events should be erased that somebody has yet to see: a snapshot whose state they belong to, or a reader that is behind. Nothing was erased.',
    message: (d: { stream: string; attempt: string; reason: string }) =>
      `Cannot ${d.attempt} stream "${d.stream}": ${d.reason}`,
  },
  EVENTS_ID_TAKEN: {
    kind: 'conflict',
    when: 'An append carries the id of an event that is there already and is another one: other stream, type or data, or only some of its events are there.',
    message: (d: { stream: string }) =>
      `Cannot append to stream "${d.stream}": one of its event ids belongs to another event`,
  },
  EVENTS_APPEND_INVALID: {
    kind: 'invalid',
    when: 'What should be appended is no list of events: a bad name of a stream or type, a bad id, no events, one stream twice.',
    message: (d: { stream: string; reason: string }) => `Cannot append to stream "${d.stream}": ${d.reason}`,
  },
  EVENTS_PAYLOAD_INVALID: {
    kind: 'invalid',
    when: 'The data of an event does not fit the schema of its type, or is no JSON.',
    message: (d: { type: string; problems: readonly { path: string; message: string }[] }) =>
      `Cannot use the data of event "${d.type}": ${d.problems.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')}`,
  },
  EVENTS_PAYLOAD_TOO_LARGE: {
    kind: 'too-large',
    when: 'Data and metadata of an event are longer than the store takes; keep large things in storage and their address in the event.',
    message: (d: { stream: string; type: string; bytes: number; limit: number }) =>
      `Cannot append event "${d.type}" to stream "${d.stream}": it has ${d.bytes} bytes, at most ${d.limit} are taken`,
  },
  EVENTS_TYPE_UNKNOWN: {
    kind: 'invalid',
    when: 'An event of a type that the definition of events does not name was to be made or read.',
    message: (d: { type: string; known: readonly string[] }) =>
      `Cannot use event "${d.type}": known are ${d.known.join(', ')}`,
  },
  EVENTS_TYPES_INVALID: {
    kind: 'invalid',
    when: 'Types of events are defined with a bad version, without a step from each earlier version, or one name twice.',
    message: (d: { type: string; reason: string }) => `Cannot define the event "${d.type}": ${d.reason}`,
  },
  EVENTS_AGGREGATE_INVALID: {
    kind: 'invalid',
    when: 'An aggregate is defined with a name that makes no streams of its own.',
    message: (d: { aggregate: string; reason: string }) => `Cannot define the aggregate "${d.aggregate}": ${d.reason}`,
  },
  EVENTS_KEY_REUSED: {
    kind: 'conflict',
    when: 'A command came under a key under which another one, or one with another input, has been executed. Nothing was appended; give it a key of its own.',
    message: (d: { stream: string; key: string }) =>
      `Cannot execute a command on "${d.stream}": another one was executed under its key`,
  },
  EVENTS_HISTORY_ERASED: {
    kind: 'conflict',
    when: 'A state of an aggregate was asked for that follows from events which have been erased.',
    message: (d: { stream: string; from: number; first: number }) =>
      `Cannot load "${d.stream}": its events from version ${d.from} to ${d.first - 1} were erased`,
  },
  EVENTS_UNREADABLE: {
    kind: 'internal',
    when: 'A stored event cannot be read: its data does not fit, is of a later version, or an upcast threw.',
    message: (d: { stream: string; version: number; type: string; reason: string }) =>
      `Cannot read event "${d.type}" (version ${d.version} of stream "${d.stream}"): ${d.reason}`,
  },
  EVENTS_POSITION_AHEAD: {
    kind: 'conflict',
    when: 'A reader goes on from a position that this log does not have, or has lost: the log was restored or failed over to a server that lacked its end. What was read beyond must be thrown away.',
    message: (d: { log: string; position: number; epoch: number; lastGood: number }) =>
      `Cannot read log "${d.log}" after position ${d.position} of epoch ${d.epoch}: it is certain only up to ${d.lastGood}`,
  },
  EVENTS_SEAL_FORGED: {
    kind: 'invalid',
    when: 'A signed seal does not fit its signature, key or log: it was changed, or is of another log.',
    message: (d: { log: string; position: number }) =>
      `Cannot use the seal at position ${d.position} of log "${d.log}": its signature does not fit`,
  },
  EVENTS_LOG_DAMAGED: {
    kind: 'internal',
    when: 'Verification found that a log is not what was appended: events are missing, out of their order or changed.',
    message: (d: { log: string; position: number; reason: string }) =>
      `The log "${d.log}" is damaged at or after position ${d.position}: ${d.reason}`,
  },
  EVENTS_IMPORT_INVALID: {
    kind: 'invalid',
    when: 'Rows cannot be imported: there is no such table or column, or a row cannot be mapped. What was imported before stays.',
    message: (d: { import: string; reason: string }) => `Cannot go on with the import "${d.import}": ${d.reason}`,
  },
  EVENTS_IMPORT_INCOMPLETE: {
    kind: 'conflict',
    when: 'At its end an import has read another number of rows than the table has: rows were written behind it. Run it again from the start.',
    message: (d: { import: string; rows: number; read: number }) =>
      `The import "${d.import}" has read ${d.read} rows and the table has ${d.rows}: run it again from the start`,
  },
  EVENTS_SUBJECT_SHREDDED: {
    kind: 'conflict',
    when: 'Personal data of somebody whose key was destroyed was to be appended.',
    message: (d: { subject: string }) => `Cannot append personal data of "${d.subject}": the key was destroyed`,
  },
  EVENTS_KEY_LOCKED: {
    kind: 'internal',
    when: 'The key of a person cannot be opened: the master key is missing or another one.',
    message: (d: { reason: string }) => `Cannot open a key of personal data: ${d.reason}`,
  },
  EVENTS_QUEUE_FULL: {
    kind: 'unavailable',
    retryable: true,
    when: 'More events wait to be appended than the store keeps in memory: the database is slower than what comes in. Nothing was written.',
    message: (d: { waiting: number }) => `Cannot append: ${d.waiting} events wait already`,
  },
  EVENTS_PROJECTION_INVALID: {
    kind: 'invalid',
    when: 'A projection is defined with a bad name, version, table or number of partitions, or two have one name.',
    message: (d: { projection: string; reason: string }) =>
      `Cannot define the projection "${d.projection}": ${d.reason}`,
  },
  EVENTS_PROJECTION_UNKNOWN: {
    kind: 'not-found',
    when: 'A projection is asked about that does not run here.',
    message: (d: { projection: string; known: readonly string[] }) =>
      `There is no projection "${d.projection}": known are ${d.known.join(', ') || 'none'}`,
  },
  EVENTS_PROJECTION_BEHIND: {
    kind: 'timeout',
    retryable: true,
    when: 'A projection did not reach the position it was waited for in time; its read model is of an earlier one.',
    message: (d: { projection: string; position: number; reached: number; waitedMs: number }) =>
      `The projection "${d.projection}" has not reached position ${d.position} within ${d.waitedMs} ms: it is at ${d.reached}`,
  },
  EVENTS_PROJECTION_STUCK: {
    kind: 'timeout',
    when: 'The changes of a page did not settle in time; they were undone.',
    message: (d: { projection: string; timeoutMs: number }) =>
      `The projection "${d.projection}" has not settled within ${d.timeoutMs} ms`,
  },
  EVENTS_INLINE_MISSING: {
    kind: 'unavailable',
    when: 'A program appends events of an inline projection that it does not have: the projection would lack them for ever. Append through `openInlineProjections` with it, or retire it.',
    message: (d: { stream: string; projection: string }) =>
      `Cannot append to stream "${d.stream}": the inline projection "${d.projection}" holds every event of the type, and this program lacks it`,
  },
  EVENTS_PROJECTION_SWITCH_FAILED: {
    kind: 'conflict',
    when: 'New tables of a projection are filled and could not take the place of the live ones, which go on. It is tried again by itself, after pauses that grow.',
    message: (d: { projection: string; reason: string }) =>
      `The new tables of the projection "${d.projection}" cannot take the place of the live ones: ${d.reason}`,
  },
  EVENTS_PROJECTION_SUPERSEDED: {
    kind: 'unavailable',
    retryable: true,
    when: 'A later version of an inline projection has taken over: this process would write to tables that nobody reads.',
    message: (d: { projection: string; version: number; found: number }) =>
      `Cannot append: the inline projection "${d.projection}" is of version ${d.found} by now, this process knows ${d.version}`,
  },
  WORKFLOW_INVALID: {
    kind: 'invalid',
    when: 'A workflow is defined with a bad name or version, two have the same, or an input does not fit.',
    message: (d: { workflow: string; reason: string }) => `Cannot use the workflow "${d.workflow}": ${d.reason}`,
  },
  WORKFLOW_UNKNOWN: {
    kind: 'not-found',
    when: 'There is no definition of a workflow of this name here.',
    message: (d: { workflow: string; known: readonly string[] }) =>
      `There is no workflow "${d.workflow}": known are ${d.known.join(', ') || 'none'}`,
  },
  WORKFLOW_NOT_FOUND: {
    kind: 'not-found',
    when: 'There is no instance of this id.',
    message: (d: { workflow: string; id: string }) => `There is no "${d.id}" of the workflow "${d.workflow}"`,
  },
  WORKFLOW_ID_TAKEN: {
    kind: 'conflict',
    when: 'A child of a workflow cannot begin: another instance has been given its id.',
    message: (d: { workflow: string; id: string }) =>
      `Cannot begin the child "${d.id}" of the workflow "${d.workflow}": another instance has this id`,
  },
  WORKFLOW_ENDED: {
    kind: 'conflict',
    when: 'An instance that has ended was sent a signal.',
    message: (d: { workflow: string; id: string; status: string }) =>
      `"${d.id}" of the workflow "${d.workflow}" is ${d.status}: it takes no more signals`,
  },
  WORKFLOW_STEP_FAILED: {
    kind: 'internal',
    when: 'A step of a workflow has failed for good; `code` and `reason` are those of its last try.',
    message: (d: { step: string; code: string | null; reason: string }) => `The step "${d.step}" failed: ${d.reason}`,
  },
  WORKFLOW_STEP_TIMED_OUT: {
    kind: 'timeout',
    retryable: true,
    when: 'A try of a step took too long; its signal was aborted.',
    message: (d: { step: string; timeoutMs: number }) => `The step "${d.step}" did not end within ${d.timeoutMs} ms`,
  },
  WORKFLOW_JOURNAL_MISMATCH: {
    kind: 'internal',
    when: 'The code of a workflow asks for something else than its journal has at that place: it was changed under a running instance, or decides by more than its input and steps. The instance is parked.',
    message: (d: { workflow: string; id: string; position: number; asked: string; found: string }) =>
      `"${d.id}" of the workflow "${d.workflow}" asks for ${d.asked} where its journal has ${d.found} (record ${d.position})`,
  },
  WORKFLOW_VALUE_INVALID: {
    kind: 'invalid',
    when: 'A result, input or signal of a workflow would be read back as something else: a date, undefined, a function, a number that JSON lacks.',
    message: (d: { what: string; path: string; found: string }) =>
      `Cannot keep ${d.what}: ${d.path === '' ? 'it' : `"${d.path}"`} is ${d.found}, which is no JSON`,
  },
  WORKFLOW_FAILED: {
    kind: 'internal',
    when: 'An instance that was waited for has failed.',
    message: (d: { workflow: string; id: string; code: string | null; reason: string }) =>
      `"${d.id}" of the workflow "${d.workflow}" failed: ${d.reason}`,
  },
  WORKFLOW_CANCELLED: {
    kind: 'cancelled',
    when: 'An instance was cancelled: what it waits for rejects with this, and so does whoever waits for it.',
    message: (d: { workflow: string; id: string; reason: string }) =>
      `"${d.id}" of the workflow "${d.workflow}" was cancelled: ${d.reason}`,
  },
  EVENTS_CLOSED: {
    kind: 'unavailable',
    when: 'The event store was used after it was closed.',
    message: (_: Record<never, never>) => 'Cannot use the event store: it is closed',
  },
  MESSAGES_INVALID: {
    kind: 'invalid',
    when: 'A name of a topic, group, consumer or outbox is none, messages are not in ascending order, or an option is out of its range.',
    message: (d: { attempt: string; reason: string }) => `Cannot ${d.attempt}: ${d.reason}`,
  },
  MESSAGES_UNAVAILABLE: {
    kind: 'unavailable',
    retryable: true,
    when: 'The server of the message streams is away, hangs, is starting or has become a replica. Repeating the call does no harm.',
    message: (d: { attempt: string; reason: string }) => `Cannot ${d.attempt}: ${d.reason}`,
  },
  MESSAGES_FULL: {
    kind: 'unavailable',
    retryable: true,
    when: 'The server of the message streams has used the memory it may use and removes nothing by itself. Let groups finish and trim, or give it more.',
    message: (d: { attempt: string }) => `Cannot ${d.attempt}: the server has no memory left`,
  },
  MESSAGES_FAILED: {
    kind: 'internal',
    when: 'The server of the message streams refused a command for another reason, as when a key of the same name holds something else.',
    message: (d: { attempt: string; reason: string }) => `Cannot ${d.attempt}: ${d.reason}`,
  },
  MESSAGES_GROUP_LOST: {
    kind: 'not-found',
    when: 'A group of a topic is not there: it was never created, was dropped, or was lost with the server.',
    message: (d: { topic: string; group: string }) =>
      `Cannot use group "${d.group}" of topic "${d.topic}": there is none`,
  },
  MESSAGES_TOPIC_TAKEN: {
    kind: 'conflict',
    when: 'Two logs, or two outboxes, publish to one topic: their positions would be mistaken for each other. Give each a topic of its own.',
    message: (d: { topic: string; source: string; owner: string }) =>
      `Cannot publish messages of "${d.source}" to topic "${d.topic}": it belongs to "${d.owner}"`,
  },
  MESSAGES_UNREADABLE: {
    kind: 'invalid',
    when: 'An entry of a stream was not written by an outbox, or carries no event. It becomes a dead letter.',
    message: (d: { topic: string; id: string; reason: string }) =>
      `Cannot read message ${d.id} of topic "${d.topic}": ${d.reason}`,
  },
  MESSAGES_LEASE_LOST: {
    kind: 'conflict',
    retryable: true,
    when: 'Another process has taken over the topic from a consumer that was thought dead. What the consumer was doing was rolled back.',
    message: (d: { topic: string; group: string }) =>
      `Cannot go on with topic "${d.topic}" as group "${d.group}": another process has taken it over`,
  },
  OUTBOX_LOG_REPLACED: {
    kind: 'conflict',
    when: 'More of a log has been published than it has, though it says that it lost nothing: it is another log of the same name, whose outbox and topics need other names, or a server that took over and has not been written to yet.',
    message: (d: { outbox: string; published: string; head: string }) =>
      `Cannot go on with outbox "${d.outbox}": ${d.published} is published, and the log ends at ${d.head}`,
  },
  OUTBOX_FEED_BEHIND: {
    kind: 'unavailable',
    retryable: true,
    when: 'The log is read from a server of an earlier epoch than what is published: a database that was failed over from, and still answers.',
    message: (d: { outbox: string; published: number; found: number }) =>
      `Cannot go on with outbox "${d.outbox}": epoch ${d.published} is published, and the feed is of epoch ${d.found}`,
  },
  OUTBOX_CLOSED: {
    kind: 'unavailable',
    when: 'An outbox was closed while somebody waited for it to publish.',
    message: (d: { outbox: string }) => `Cannot wait for outbox "${d.outbox}": it is closed`,
  },
  EVENTS_EPOCH_CHANGED: {
    kind: 'unavailable',
    retryable: true,
    when: 'A log began a new epoch, or is read on a replica that has not heard of it, just while its epochs were asked for.',
    message: (d: { log: string; from: number; to: number }) =>
      `Cannot read the epochs of log "${d.log}": it went from epoch ${d.from} to ${d.to} meanwhile`,
  },
})
