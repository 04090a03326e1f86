/** The parts of a workflow as its function is given them, over what its run answers. */
import type { Queryable, Schema } from '@keelson/kernel'
import type { ChildKind } from './asked-work.ts'
import { shownIssues } from './checked-start.ts'
import type { StepCall, StepOptions, WorkflowContext, WorkflowDefinition } from './workflow.ts'
import type { CheckSignal } from './workflow-answers.ts'

/** What a run can be asked for. */
export interface Askable {
  readonly id: string
  readonly now: () => number
  readonly random: () => number
  readonly patched: (name: string) => boolean
  readonly step: (name: string, options: StepOptions, work: (call: StepCall) => unknown) => Promise<unknown>
  readonly transaction: (
    name: string,
    options: StepOptions,
    work: (transaction: Queryable) => Promise<unknown>,
  ) => Promise<unknown>
  readonly sleep: (name: string, time: number | Date) => Promise<unknown>
  readonly waitFor: (name: string, check: CheckSignal, timeoutMs: number | undefined) => Promise<unknown>
  readonly child: (name: string, child: ChildKind, input: unknown) => Promise<unknown>
}

export function createContext(run: Askable): WorkflowContext {
  return {
    id: run.id,
    now: run.now,
    random: run.random,
    patched: run.patched,
    step: <T>(name: string, work: (call: StepCall) => Promise<T> | T, options: StepOptions = {}) =>
      // What was kept of the step is what its work gave.
      run.step(name, options, work) as Promise<T>,
    transaction: <T>(name: string, work: (transaction: Queryable) => Promise<T>, options: StepOptions = {}) =>
      // As above.
      run.transaction(name, options, work) as Promise<T>,
    sleep: async (name, time) => void (await run.sleep(name, time)),
    waitFor: <S extends Schema>(name: string, schema: S, options: { readonly timeoutMs?: number } = {}) =>
      // The schema has just said so.
      run.waitFor(name, checkedBy(schema), options.timeoutMs) as Promise<never>,
    child: <Input extends Schema, Output>(
      name: string,
      { name: workflow, version }: WorkflowDefinition<Input, Output>,
      input: unknown,
    ) =>
      // What a child ended with is what its function returned.
      run.child(name, { workflow, version }, input) as Promise<Output>,
  }
}

function checkedBy(schema: Schema): CheckSignal {
  return async (value) => {
    const checked = await schema['~standard'].validate(value)
    return checked.issues ? { refused: shownIssues(checked.issues) } : { value: checked.value }
  }
}
