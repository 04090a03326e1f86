/** What the cases of workflows stand on: a log of their own, a database whose time can be moved on, and workflows that are closed again. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Database, Schema } from '@keelson/kernel'
import { delegatingDatabase } from '@keelson/kernel/testing'
import { openEventStore, type SqlEventStore } from '../store/sql-event-store.ts'
import { defineWorkflow, type Workflow, type WorkflowContext } from './workflow.ts'
import { startWorkflows, type Workflows, type WorkflowsOptions } from './workflows.ts'

export interface WorkflowsCase {
  readonly name: string
  run(database: Database): Promise<void>
}

/** Any JSON. */
export const anything: Schema<unknown> = {
  '~standard': { version: 1, vendor: 'keelson', validate: (value) => ({ value }) },
}
export const text: Schema<string> = {
  '~standard': {
    version: 1,
    vendor: 'keelson',
    validate: (value) => (typeof value === 'string' ? { value } : { issues: [{ message: 'is no text' }] }),
  },
}

export interface Stage {
  readonly store: SqlEventStore
  /** Moves the database's time on. */
  shift(ms: number): void
  readonly failures: unknown[]
  start(definitions: readonly Workflow[], options?: Partial<WorkflowsOptions>): Promise<Workflows>
}

export function on(name: string, run: (stage: Stage) => Promise<void>): WorkflowsCase {
  return {
    name,
    run: async (given) => {
      const { database, shift } = timeMachine(given)
      const store = await openEventStore({ database, log: `case-${randomUUID()}` })
      const started: Workflows[] = []
      const failures: unknown[] = []
      try {
        await run({
          store,
          shift,
          failures,
          start: async (definitions, options = {}) => {
            const workflows = await startWorkflows({
              store,
              definitions,
              onFailure: (error) => failures.push(error),
              ...options,
            })
            started.push(workflows)
            return workflows
          },
        })
        assert.deepEqual(failures, [])
      } finally {
        for (const workflows of started) await workflows.close()
        await store.close()
      }
    },
  }
}

export function workflow<Output>(
  run: (workflow: WorkflowContext, input: unknown) => Promise<Output>,
  version = 1,
  name = 'work',
) {
  return defineWorkflow({ name, version, input: anything, run })
}

export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`${what}: it did not come to that`)
}

/** The same database at another time, which can be moved on. */
function timeMachine(database: Database): { readonly database: Database; shift(ms: number): void } {
  let offset = 0
  const shifted = delegatingDatabase(database, { now: async () => (await database.now()) + offset })
  Object.defineProperty(shifted, 'nowSql', { get: () => `(clock_timestamp() + ${offset} * interval '1 ms')` })
  return {
    database: shifted,
    shift: (ms) => {
      offset += ms
    },
  }
}
