/** The function of a workflow, called with its input: how it ended, or why its code has to be mended before it can go on. */
import { isError } from '@keelson/kernel'
import { shownIssues } from './checked-start.ts'
import type { Workflow, WorkflowContext } from './workflow.ts'
import { kept, type Outcome, requireJson } from './workflow-journal.ts'

/** @param cancelledFor why the instance was cancelled, if it was, when the function has ended. */
export async function runFunction(
  definition: Workflow,
  context: WorkflowContext,
  input: unknown,
  cancelledFor: () => string | undefined,
): Promise<Outcome | { readonly unfit: string }> {
  let output: unknown
  try {
    const checked = await definition.input['~standard'].validate(input)
    if (checked.issues) return { unfit: `its input does not fit any more: ${shownIssues(checked.issues)}` }
    // The schema is that of this function.
    output = await definition.run(context, checked.value as never)
  } catch (error) {
    const reason = cancelledFor()
    return isError(error, 'WORKFLOW_CANCELLED') && reason !== undefined
      ? { status: 'cancelled', reason }
      : { status: 'failed', error: kept(error) }
  }
  if (output === undefined) return { status: 'completed' }
  try {
    return { status: 'completed', output: requireJson('what it returned', output) }
  } catch (error) {
    return { unfit: kept(error).message }
  }
}
