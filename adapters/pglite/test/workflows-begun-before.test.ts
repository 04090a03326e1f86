/**
 * Instances that were begun when workflows were called processes, in the middle of their runs: a dump of PostgreSQL 15, with statements divided by
 * lines of `-- next`. They keep their names and end.
 */
import { readFile } from 'node:fs/promises'
import { defineWorkflow, openEventStore, startWorkflows, type WorkflowContext } from '@keelson/events'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { openPgliteDatabase } from '../src/index.ts'

test('instances that were begun when workflows were called processes keep their names and end', async () => {
  const database = await openPgliteDatabase()
  const dump = await readFile(new URL('workflows-begun-before.sql', import.meta.url), 'utf8')
  for (const statement of dump.split('\n-- next\n')) await database.query(statement)
  const store = await openEventStore({ database })
  const workflows = await startWorkflows({ store, definitions })
  try {
    // A new instance whose names are written alike has a journal of its own.
    await workflows.start(refund, '7', null)
    await workflows.signal('order', 'refund-7', 'go', 'yes')
    expect(await workflows.result('order', 'refund-7')).toEqual({ by: 'order', go: 'yes' })
    await workflows.signal('order-refund', '7', 'go', 'too')
    expect(await workflows.result('order-refund', '7')).toEqual({ by: 'refund', go: 'too' })
    expect((await store.readStream('process-order-refund-7')).events.map(({ type }) => type)).toEqual([
      'ProcessStarted',
      'ProcessStepCompleted',
      'WorkflowSignalReceived',
      'WorkflowCompleted',
    ])
    for (const id of ['7', '9']) {
      await workflows.signal('ship', `${id}/parcel`, 'shipped', `parcel ${id}`)
      expect(await workflows.result('sale', id)).toBe(`goods parcel ${id}`)
    }
    expect(await workflows.result('nap', 'n')).toEqual([1, 2, 'nap/n/after'])
    expect(await workflows.result('flaky', 'f')).toEqual([2, 'flaky/f/try'])
    await workflows.signal('early', 'e', 'go', 'now')
    expect(await workflows.result('early', 'e')).toBe('kept')
    expect(await workflows.result('quick', 'fine')).toBe('done')
    await expect(workflows.result('quick', 'bad')).rejects.toMatchObject({ code: 'WORKFLOW_FAILED' })
    await store.append('o-2', [{ type: 'OrderPlaced', data: {} }])
    await expect.poll(async () => (await workflows.list({ workflow: 'invoice' })).length).toBe(2)
    await expect.poll(async () => (await store.readStream('reminders')).version).toBe(1)
    expect((await workflows.list({ status: 'waiting' })).length).toBe(0)
  } finally {
    await workflows.close()
    await store.close()
    await database.close()
  }
})

function define<Output>(name: string, run: (workflow: WorkflowContext, input: unknown) => Promise<Output>) {
  return defineWorkflow({ name, version: 1, input: z.unknown(), run })
}

function charged(by: string) {
  return async (workflow: WorkflowContext) => {
    const charge = await workflow.step('charge', () => by)
    return { by: charge, go: await workflow.waitFor('go', z.string()) }
  }
}

const refund = define('order-refund', charged('refund'))
const ship = define('ship', async (workflow, what) => {
  await workflow.step('pack', () => what)
  return `${what} ${await workflow.waitFor('shipped', z.string())}`
})
const definitions = [
  define('order', charged('order, again')),
  refund,
  ship,
  define('sale', (workflow) => workflow.child('parcel', ship, 'goods')),
  define('nap', async (workflow) => {
    const one = await workflow.step('item', () => 'again')
    const two = await workflow.step('item', () => 'again')
    await workflow.sleep('nap', 1_500)
    return [one, two, await workflow.step('after', ({ key }) => key)]
  }),
  define('flaky', (workflow) => workflow.step('try', ({ attempt, key }) => [attempt, key])),
  define('early', async (workflow) => {
    await workflow.waitFor('go', z.string())
    return workflow.waitFor('late', z.string())
  }),
  define('quick', async () => 'again'),
  {
    ...define('invoice', (workflow) => workflow.step('send', () => 'sent')),
    startedBy: {
      types: ['OrderPlaced'],
      begin: ({ stream }: { stream: string }) => ({ id: stream, input: null }),
    },
  },
]
