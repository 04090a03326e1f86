/** Checks stored runs against the code at hand for whoever is about to deploy it: of the log, or of a file of one JSON a line. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { eventsErrors } from '../errors.ts'
import type { HistoriesOptions, WorkflowHistory } from '../workflows/workflow-check.ts'
import type { Workflows } from '../workflows/workflows.ts'

const shownProblems = 20
/** Between two words of how far it is. */
const every = 100

/** Ends with an error that names what would break. */
export async function* checkRuns(
  workflows: Workflows | undefined,
  file: string | undefined,
  filter: HistoriesOptions,
): AsyncGenerator<{ readonly done: number; readonly total: number; readonly error: string | null }> {
  if (!workflows) throw eventsErrors.WORKFLOW_UNKNOWN({ workflow: filter.workflow ?? 'any', known: [] })
  const problems: string[] = []
  let done = 0
  let broken = 0
  for await (const { workflow, id, problem } of workflows.check(
    file === undefined ? workflows.histories(filter) : historiesIn(file, filter),
  )) {
    done += 1
    if (problem !== undefined) broken += 1
    if (problem !== undefined && problems.length < shownProblems) problems.push(`${workflow} ${id}: ${problem}`)
    if (done % every === 0) yield { done, total: done, error: null }
  }
  const rest = broken > problems.length ? [`and ${broken - problems.length} more`] : []
  const error = broken === 0 ? null : [`${broken} of ${done} runs would break`, ...problems, ...rest].join('\n')
  yield { done, total: done, error }
}

async function* historiesIn(
  file: string,
  { workflow, limit = 10_000 }: HistoriesOptions,
): AsyncGenerator<WorkflowHistory> {
  let count = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() === '' || count >= limit) continue
    const history = parsed(line)
    if (workflow !== undefined && history.workflow !== workflow) continue
    count += 1
    yield history
  }
}

function parsed(line: string): WorkflowHistory {
  try {
    const history: unknown = JSON.parse(line)
    // What was exported is what is read; anything else fails its check.
    if (Array.isArray(Object(history).records)) return history as WorkflowHistory
  } catch {
    // Said below.
  }
  throw eventsErrors.WORKFLOW_INVALID({ workflow: 'any', reason: 'the file has a line that is no exported run' })
}
