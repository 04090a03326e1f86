/** What an operator asks of workflows: the part of the contract of events that is about them. */
import { cli, command, progress, query, subscription } from '@keelson/kernel'
import * as z from 'zod'

const Position = z.int().min(0)

/** Of anything that goes through a log or a table. */
const Going = { done: z.int(), total: z.int() }

const WorkflowStatus = z.enum(['running', 'waiting', 'completed', 'failed', 'cancelled', 'parked', 'paused'])

const WorkflowInstance = z.object({ workflow: z.string().min(1), id: z.string().min(1) })

const History = z.object({
  workflow: z.string(),
  id: z.string(),
  version: z.int(),
  records: z.array(
    z.object({
      version: z.int(),
      at: z.number(),
      asked: z.array(z.string()),
      event: z.object({ type: z.string(), data: z.unknown() }),
    }),
  ),
})

export const workflowOperations = {
  workflows: query(
    {
      summary: 'List instances of workflows, the newest first',
      input: z.object({
        workflow: z.string().optional().describe('Only of this workflow'),
        status: WorkflowStatus.optional(),
        limit: z.int().min(1).max(10_000).default(100),
      }),
      output: z.object({
        workflows: z.array(
          z.object({
            workflow: z.string(),
            id: z.string(),
            version: z.int(),
            status: WorkflowStatus,
            waitingFor: z.array(z.string()),
            wakeAt: z.iso.datetime().nullable(),
            reason: z.string().nullable(),
            startedAt: z.iso.datetime(),
            updatedAt: z.iso.datetime(),
          }),
        ),
      }),
    },
    cli({
      usage: 'workflows',
      text: ({ workflows }) =>
        workflows.length === 0
          ? 'no instances'
          : workflows
              .map(({ workflow, id, status, waitingFor, wakeAt, reason }) =>
                [
                  `${workflow} ${id}`,
                  status,
                  ...(waitingFor.length > 0 ? [`for ${waitingFor.join(', ')}`] : []),
                  ...(wakeAt === null || status === 'running' ? [] : [`until ${wakeAt}`]),
                  ...(reason === null ? [] : [reason]),
                ].join('  '),
              )
              .join('\n'),
    }),
  ),
  signal: command(
    {
      summary: 'Give an instance what it waits for, or will',
      input: WorkflowInstance.extend({
        name: z.string().min(1).describe('Of the signal'),
        json: z.string().default('null').describe('Its value, as JSON'),
        key: z.string().optional().describe('The same key again changes nothing'),
      }),
    },
    cli({ usage: 'workflows signal <workflow> <id> <name> [json]' }),
  ),
  cancel: command(
    {
      summary: 'Cancel an instance and its children',
      input: WorkflowInstance.extend({ reason: z.string().min(1).max(2_000) }),
    },
    cli({ usage: 'workflows cancel <workflow> <id> <reason...>' }),
  ),
  pause: command(
    {
      summary: 'Stop an instance where it is; what comes from outside waits',
      input: WorkflowInstance,
      output: z.object({ isPaused: z.boolean() }),
    },
    cli({
      usage: 'workflows pause <workflow> <id>',
      text: ({ isPaused }) => (isPaused ? 'it is paused' : 'it has ended or is paused'),
    }),
  ),
  resume: command(
    {
      summary: 'Let an instance go on that is parked or paused, with the code as it is now',
      input: WorkflowInstance,
      output: z.object({ isResumed: z.boolean() }),
    },
    cli({
      usage: 'workflows resume <workflow> <id>',
      text: ({ isResumed }) => (isResumed ? 'it goes on' : 'it is neither parked nor paused'),
    }),
  ),
  terminate: command(
    {
      summary: 'End an instance at once, without its code having a say',
      input: WorkflowInstance.extend({ reason: z.string().min(1).max(2_000) }),
      output: z.object({ isTerminated: z.boolean() }),
    },
    cli({
      usage: 'workflows terminate <workflow> <id> <reason...>',
      text: ({ isTerminated }) => (isTerminated ? 'it has ended' : 'it had ended before'),
    }),
  ),
  fork: command(
    {
      summary: 'Begin a new instance with what another was answered up to a step',
      input: WorkflowInstance.extend({
        from: z.string().min(1).describe('The step that is to be done again, with all that came after it'),
        as: z.string().min(1).describe('Id of the new instance'),
      }),
    },
    cli({ usage: 'workflows fork <workflow> <id> <from> <as>' }),
  ),
  exportRuns: subscription(
    {
      summary: 'Write out the journals of instances, one JSON a line, to be checked against other code',
      input: z.object({
        workflow: z.string().optional().describe('Only of this workflow'),
        limit: z.int().min(1).default(10_000).describe('Instances at most, the newest first'),
      }),
      output: History,
    },
    cli({ usage: 'workflows export', text: (history) => JSON.stringify(history) }),
  ),
  check: subscription(
    {
      summary: 'Go through stored runs with the code at hand, and name each that would break and where',
      input: z.object({
        workflow: z.string().optional().describe('Only of this workflow'),
        file: z.string().optional().describe('Of exported runs; those of the log by default'),
        limit: z.int().min(1).default(10_000).describe('Instances at most, the newest first'),
      }),
      output: z.object({ ...Going, error: z.string().nullable() }),
    },
    cli({ usage: 'workflows check', text: ({ done }) => `${done} runs fit the code` }),
    progress(({ done, total, error }) => ({ done, total, label: 'runs checked', error })),
  ),
  unstarted: query(
    {
      summary: 'List the events that could not begin or signal an instance, and why',
      output: z.object({
        events: z.array(z.object({ workflow: z.string(), position: Position, reason: z.string(), tries: z.int() })),
      }),
    },
    cli({
      usage: 'workflows unstarted',
      text: ({ events }) =>
        events.length === 0
          ? 'none'
          : events
              .map(({ workflow, position, reason, tries }) => `${position}  ${workflow}  ${reason}  ${tries} tries`)
              .join('\n'),
    }),
  ),
  retryStarts: command(
    {
      summary: 'Try again at once what could not begin',
      input: z.object({ workflow: z.string() }),
      output: z.object({ events: z.int() }),
    },
    cli({ usage: 'workflows retry <workflow>', text: ({ events }) => `${events} are tried again` }),
  ),
}
