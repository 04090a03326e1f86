/** Whether an instance can begin: its id can be written everywhere, and its input fits. */
import type { Json } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { Workflow } from './workflow.ts'
import { requireJson } from './workflow-journal.ts'

const longestId = 400
// Control characters are what this looks for.
// biome-ignore lint/suspicious/noControlCharactersInRegex: as said above
const unwritable = /[\u0000-\u001f\u007f]/

/** Gives the input as it was given, since what the schema makes of it may have no JSON. Rejects with WORKFLOW_INVALID or WORKFLOW_VALUE_INVALID. */
export async function checkedStart(definition: Workflow, id: string, input: unknown): Promise<Json> {
  const { name: workflow } = definition
  requireInstanceId(workflow, id)
  const checked = await definition.input['~standard'].validate(input)
  if (checked.issues)
    throw eventsErrors.WORKFLOW_INVALID({ workflow, reason: `the input does not fit: ${shownIssues(checked.issues)}` })
  return requireJson('the input', input ?? null)
}

/** Throws WORKFLOW_INVALID. */
export function requireInstanceId(workflow: string, id: unknown): void {
  const isFit =
    typeof id === 'string' && id !== '' && id.length <= longestId && id.isWellFormed() && !unwritable.test(id)
  const reason = `the id of an instance has 1 to ${longestId} characters, none of them a control character`
  if (!isFit) throw eventsErrors.WORKFLOW_INVALID({ workflow, reason })
}

interface Issue {
  readonly message: string
  readonly path?: readonly unknown[] | undefined
}

export function shownIssues(issues: readonly Issue[]): string {
  return issues
    .map(
      ({ message, path }) =>
        `${path?.length ? `${path.map((part) => String(Object(part).key ?? part)).join('.')}: ` : ''}${message}`,
    )
    .join('; ')
}
