/** What an operator asks of a log, its projections and workflows, as a contract, so that the command line and every client have it. */
import { cli, command, defineContract, progress, query, subscription } from '@keelson/kernel'
import * as z from 'zod'
import { workflowOperations } from './workflow-operations.ts'

const StreamName = z.string().min(1).max(500)
const Position = z.int().min(0)
const Types = z.array(z.string()).optional().describe('Only these types')

const RecordedEvent = z.object({
  position: Position,
  stream: StreamName,
  version: z.int(),
  type: z.string(),
  schemaVersion: z.int(),
  id: z.uuid(),
  data: z.unknown(),
  metadata: z.record(z.string(), z.unknown()),
  tags: z.array(z.string()),
  recordedAt: z.iso.datetime(),
})

const Seal = z.object({ position: Position, seal: z.string() })

/** Of anything that goes through a log or a table. */
const Going = { done: z.int(), total: z.int() }

export const EventsAdministration = defineContract('events', '1.0.0', {
  append: command(
    {
      summary: 'Append an event to a stream',
      input: z.object({
        stream: StreamName,
        type: z.string(),
        payload: z.looseObject({}).default({}).describe('The data of the event, as JSON'),
        expected: z
          .string()
          .regex(/^(any|none|exists|\d{1,15})$/, 'any, none, exists or a version')
          .default('any')
          .describe('What the stream must be: any, none, exists or its version'),
        id: z.uuid().optional().describe('Appending the same id again changes nothing'),
      }),
      output: z.object({ stream: z.string(), version: z.int(), position: Position, isRepeat: z.boolean() }),
    },
    cli({
      usage: 'events append <stream> <type> [payload]',
      text: ({ stream, version, position, isRepeat }) =>
        `${isRepeat ? 'was there already: ' : ''}version ${version} of ${stream}, position ${position}`,
    }),
  ),
  read: subscription(
    {
      summary: 'Read a stream, or the feed of all events',
      input: z.object({
        stream: StreamName.optional(),
        after: Position.default(0).describe('Position of the feed, or version of the stream, after which it begins'),
        limit: z.int().min(1).optional().describe('Events at most'),
        types: Types,
        archived: z.boolean().default(false).describe('Those of archived streams too'),
        follow: z.boolean().default(false).describe('Go on with what comes'),
      }),
      output: RecordedEvent,
    },
    cli({ usage: 'events read [stream]', text: lineOf }),
  ),
  replay: subscription(
    {
      summary: 'Read the feed again at a chosen pace, to a position or a time',
      input: z.object({
        after: Position.default(0).describe('Position after which it begins'),
        to: Position.optional().describe('The last position'),
        until: z.iso.datetime().optional().describe('Only events recorded until then'),
        rate: z.number().positive().optional().describe('Events a second'),
        types: Types,
      }),
      output: RecordedEvent,
    },
    cli({ usage: 'events replay', text: lineOf }),
  ),
  streams: query(
    {
      summary: 'List streams in the order of their names',
      input: z.object({
        prefix: z.string().default('').describe('Only names that begin so'),
        after: z.string().default('').describe('Only names after this one'),
        limit: z.int().min(1).max(10_000).default(100),
      }),
      output: z.object({
        streams: z.array(
          z.object({ stream: z.string(), version: z.int(), state: z.enum(['open', 'archived', 'tombstoned']) }),
        ),
      }),
    },
    cli({
      usage: 'events streams',
      text: ({ streams }) =>
        streams.length === 0
          ? 'no streams'
          : streams
              .map(
                ({ stream, version, state }) =>
                  `${String(version).padStart(8)}  ${stream}${state === 'open' ? '' : `  (${state})`}`,
              )
              .join('\n'),
    }),
  ),
  verify: subscription(
    {
      summary: 'Prove that nothing of the log was changed, left out or put in between',
      input: z.object({
        position: Position.optional().describe('Of a seal that was kept'),
        seal: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .optional()
          .describe('A seal that was kept: the log must have it'),
      }),
      output: z.object({
        ...Going,
        erased: z.int(),
        sealedTo: z.int().describe('Up to here a seal that was there before holds'),
        seal: Seal,
        error: z.string().nullable(),
      }),
    },
    cli({
      usage: 'events verify',
      text: ({ total, erased, sealedTo, seal }) =>
        [
          `${total} events are as they were appended${erased > 0 ? `; of ${erased} the data was erased, their digests fit` : ''}`,
          ...(sealedTo < total
            ? [
                `no seal was there yet for ${total - sealedTo} of them, after position ${sealedTo}: nothing tells whether they were changed before`,
              ]
            : []),
          ...(seal.position > 0 ? [`seal at position ${seal.position}: ${seal.seal}`] : []),
        ].join('\n'),
    }),
    progress(({ done, total, error }) => ({ done, total, label: 'events verified', error })),
  ),
  import: subscription(
    {
      summary: 'Import the rows of a table as events, one for each row',
      input: z.object({
        table: z.string(),
        key: z.string().default('id').describe('Its unique column'),
        stream: z.string().describe('Name of the stream, as customer-{id} from the columns of a row'),
        type: z.string().describe('Type of the events'),
        name: z.string().optional().describe('Of the import; the table by default'),
        dryRun: z.boolean().default(false).describe('Map every row and append nothing'),
        again: z.boolean().default(false).describe('From the first row; what is there is recognised'),
      }),
      output: z.object({
        ...Going,
        skipped: z.int(),
        events: z.int(),
        isDryRun: z.boolean(),
        error: z.string().nullable(),
      }),
    },
    cli({
      usage: 'events import <table>',
      text: ({ done, events, isDryRun }) =>
        isDryRun ? `${done} rows would become ${events} events` : `${done} rows are ${events} events`,
    }),
    progress(({ done, total, error }) => ({ done, total, label: 'rows', error })),
  ),
  projections: query(
    {
      summary: 'Where the projections stand',
      output: z.object({
        projections: z.array(
          z.object({
            name: z.string(),
            version: z.int(),
            generation: z.int(),
            state: z.enum(['live', 'building', 'switching', 'retired']),
            position: Position,
            lag: z.int(),
            parked: z.int(),
            owners: z.array(z.string()),
          }),
        ),
      }),
    },
    cli({
      usage: 'projections',
      text: ({ projections }) =>
        projections.length === 0
          ? 'no projections'
          : projections
              .map(
                ({ name, version, state, position, lag, parked }) =>
                  `${name}  version ${version}, ${state}, at ${position}, ${lag} behind${parked > 0 ? `, ${parked} parked` : ''}`,
              )
              .join('\n'),
    }),
  ),
  rebuild: subscription(
    {
      summary: 'Fill a projection anew beside the live one, which it then replaces',
      input: z.object({ name: z.string() }),
      output: z.object({ ...Going, error: z.string().nullable() }),
    },
    cli({ usage: 'projections rebuild <name>', text: ({ done }) => `rebuilt, at position ${done}` }),
    progress(({ done, total, error }) => ({ done, total, label: 'events', error })),
  ),
  parked: query(
    {
      summary: 'Events that a projection could not handle',
      input: z.object({ name: z.string() }),
      output: z.object({
        events: z.array(
          z.object({
            position: Position,
            key: z.string(),
            reason: z.string(),
            attempts: z.int(),
            parkedAt: z.iso.datetime(),
          }),
        ),
      }),
    },
    cli({
      usage: 'projections parked <name>',
      text: ({ events }) =>
        events.length === 0
          ? 'nothing is parked'
          : events.map(({ position, key, reason }) => `${position}  ${key}  ${reason}`).join('\n'),
    }),
  ),
  retry: command(
    {
      summary: 'Try the parked events of a projection again',
      input: z.object({ name: z.string() }),
      output: z.object({ parked: z.int() }),
    },
    cli({
      usage: 'projections retry <name>',
      text: ({ parked }) => (parked === 0 ? 'nothing is parked any more' : `${parked} are parked still`),
    }),
  ),
  ...workflowOperations,
})

function lineOf(event: z.infer<typeof RecordedEvent>): string {
  const { position, recordedAt, stream, version, type, data } = event
  return `${String(position).padStart(8)}  ${recordedAt}  ${stream}@${version}  ${type}  ${JSON.stringify(data)}`
}
