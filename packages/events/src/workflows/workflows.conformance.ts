/** What workflows do on every database, as data so that any test runner can run it. Each case has a log of its own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { currentCall, isError, KeelsonError } from '@keelson/kernel'
import { delegatingDatabase } from '@keelson/kernel/testing'
import { createMetrics } from '@keelson/telemetry'
import { openEventStore, type SqlEventStore } from '../store/sql-event-store.ts'
import { childIdOf, streamOf } from './instance-names.ts'
import { defineWorkflow } from './workflow.ts'
import { anything, on, text, until, type WorkflowsCase, workflow } from './workflow-stage.ts'

async function typesOf(store: SqlEventStore, id: string): Promise<readonly string[]> {
  return (await store.readStream(streamOf({ workflow: 'work', id }))).events.map(({ type }) =>
    type.replace('Workflow', ''),
  )
}

export const workflowsConformance: readonly WorkflowsCase[] = [
  on('a workflow runs its steps in order, keeps what they give and returns', async ({ store, start }) => {
    const calls: string[] = []
    const definition = workflow(async (context, input) => {
      const one = await context.step('one', ({ key, attempt }) => {
        calls.push(`${key} ${attempt} ${currentCall().key?.text === key}`)
        return { got: input }
      })
      const two = await context.step('two', async () => undefined)
      return { one, two: two ?? 'nothing' }
    })
    const workflows = await start([definition])
    assert.equal(await workflows.start(definition, 'a', 5), true)
    assert.deepEqual(await workflows.result('work', 'a'), { one: { got: 5 }, two: 'nothing' })
    assert.deepEqual(calls, ['work/a/one 1 true'])
    assert.deepEqual(await typesOf(store, 'a'), ['Started', 'StepCompleted', 'StepCompleted', 'Completed'])
    assert.equal(await workflows.start(definition, 'a', 6), false)
    const [instance] = await workflows.list({ id: 'a' })
    assert.deepEqual([instance?.status, instance?.version, instance?.reason], ['completed', 1, null])
  }),
  on(
    'a workflow that waits is laid to rest, and is run again without doing its steps again',
    async ({ store, start, shift }) => {
      const calls: string[] = []
      const definition = workflow(async (context) => {
        const at = context.now()
        await context.step('before', () => void calls.push('before'))
        await context.sleep('a day', 86_400_000)
        const draw = context.random()
        await context.step('after', () => void calls.push('after'))
        return { days: Math.round((context.now() - at) / 1000) >= 0, draw: draw === context.random() }
      })
      const workflows = await start([definition])
      await workflows.start(definition, 'a', null)
      await until(async () => (await workflows.list())[0]?.status === 'waiting', 'rest')
      const [waiting] = await workflows.list()
      assert.deepEqual(waiting?.waitingFor, ['a day'])
      assert.ok(Math.abs((waiting?.wakeAt?.getTime() ?? 0) - Date.now() - 86_400_000) < 60_000)
      shift(86_400_000)
      assert.deepEqual(await workflows.result('work', 'a'), { days: true, draw: false })
      assert.deepEqual(calls, ['before', 'after'])
      assert.deepEqual(await typesOf(store, 'a'), [
        'Started',
        'StepCompleted',
        'TimerSet',
        'TimerFired',
        'StepCompleted',
        'Completed',
      ])
    },
  ),
  on('a step is tried again after a pause, and fails for good with what it last threw', async ({ start }) => {
    let tries = 0
    const definition = workflow(async (context) => {
      const fine = await context.step(
        'flaky',
        ({ attempt }) => {
          tries += 1
          if (attempt < 3) throw new Error('not yet')
          return attempt
        },
        { backoffMs: 10 },
      )
      const refused = await context
        .step('refused', () => {
          throw new KeelsonError({ code: 'CARD_DECLINED', kind: 'conflict', message: 'the card is declined' })
        })
        .catch((error: unknown) => error)
      const never = await context
        .step(
          'never',
          () => {
            throw new Error('broken')
          },
          { attempts: 2, backoffMs: 1 },
        )
        .catch((error: unknown) => error)
      const slow = await context
        .step(
          'slow',
          ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
          { attempts: 1, timeoutMs: 30 },
        )
        .catch((error: unknown) => error)
      return [
        fine,
        ...[refused, never, slow].map((error) =>
          isError(error) ? [error.code, error.details['code'], error.message] : error,
        ),
      ]
    })
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    assert.deepEqual(await workflows.result('work', 'a'), [
      3,
      ['WORKFLOW_STEP_FAILED', 'CARD_DECLINED', 'The step "refused" failed: the card is declined'],
      ['WORKFLOW_STEP_FAILED', null, 'The step "never" failed: broken'],
      [
        'WORKFLOW_STEP_FAILED',
        'WORKFLOW_STEP_TIMED_OUT',
        'The step "slow" failed: The step "slow" did not end within 30 ms',
      ],
    ])
    assert.equal(tries, 3)
  }),
  on('a workflow whose code throws has failed, and whoever waits for it learns why', async ({ start }) => {
    const definition = workflow(async () => {
      throw new Error('no such customer')
    })
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    await assert.rejects(
      workflows.result('work', 'a'),
      (error) => isError(error, 'WORKFLOW_FAILED') && /no such customer/.test(error.message),
    )
    assert.equal((await workflows.list({ status: 'failed' }))[0]?.reason, 'no such customer')
    await assert.rejects(workflows.result('work', 'nobody'), (error) => isError(error, 'WORKFLOW_NOT_FOUND'))
    const strict = defineWorkflow({ name: 'strict', version: 1, input: text, run: async () => 1 })
    // What plain JavaScript could give.
    await assert.rejects(workflows.start(strict, 'b', 5 as unknown as string), (error) =>
      isError(error, 'WORKFLOW_INVALID'),
    )
  }),
  on('steps run side by side, and names used again are numbered', async ({ store, start }) => {
    const definition = workflow(async (context) => {
      const both = await Promise.all(
        [1, 2, 3].map((number) =>
          context.step('item', async () => {
            await new Promise((resolve) => setTimeout(resolve, 30 - number * 10))
            return number
          }),
        ),
      )
      const race = await Promise.race([
        context.sleep('long', 3_600_000).then(() => 'slept'),
        context.step('quick', () => 'done'),
      ])
      return { both, race }
    })
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    assert.deepEqual(await workflows.result('work', 'a'), { both: [1, 2, 3], race: 'done' })
    const keys = (await store.readStream(streamOf({ workflow: 'work', id: 'a' }))).events
      .map(({ data }) => Reflect.get(Object(data), 'key'))
      .filter(Boolean)
    assert.deepEqual(new Set(keys), new Set(['item', 'item #2', 'item #3', 'long', 'quick']))
  }),
  on('a signal is given to who waits for it, before or after it comes, and once for its key', async ({ start }) => {
    const definition = workflow(async (context) => {
      const first = await context.waitFor('answer', text)
      await context.sleep('a moment', 1)
      const second = await context.waitFor('answer', text)
      const third = await context.waitFor('answer', text, { timeoutMs: 50 })
      return [first, second, third ?? 'nobody']
    })
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    await until(async () => (await workflows.list())[0]?.status === 'waiting', 'rest')
    for (const key of ['1', '1', '2', '2']) await workflows.signal('work', 'a', 'answer', `yes ${key}`, { key })
    assert.deepEqual(await workflows.result('work', 'a'), ['yes 1', 'yes 2', 'nobody'])
    await assert.rejects(workflows.signal('work', 'a', 'answer', ''), (error) => isError(error, 'WORKFLOW_ENDED'))
    await assert.rejects(workflows.signal('work', 'b', 'answer', ''), (error) => isError(error, 'WORKFLOW_NOT_FOUND'))
    await workflows.start(definition, 'early', null)
    await workflows.signal('work', 'early', 'answer', 'at once')
    await workflows.signal('work', 'early', 'answer', 'twice')
    assert.deepEqual(await workflows.result('work', 'early'), ['at once', 'twice', 'nobody'])
  }),
  on(
    'a child runs as an instance of its own, and its parent gets what it returned or how it failed',
    async ({ start }) => {
      const child = workflow(
        async (context, input) => {
          if (input === 'bad') throw new Error('bad child')
          return { doubled: 2 * (await context.step('read', () => Number(input))) }
        },
        1,
        'child',
      )
      const parent = workflow(async (context) => {
        const [a, b] = await Promise.all([context.child('a', child, 4), context.child('b', child, 5)])
        const bad = await context
          .child('c', child, 'bad')
          .catch((error: unknown) => (isError(error) ? error.code : 'other'))
        return [a, b, bad]
      })
      const workflows = await start([child, parent])
      await workflows.start(parent, 'p', null)
      assert.deepEqual(await workflows.result('work', 'p'), [{ doubled: 8 }, { doubled: 10 }, 'WORKFLOW_FAILED'])
      assert.deepEqual((await workflows.list({ workflow: 'child' })).map(({ id }) => id.split('~')[0]).sort(), [
        'p/a',
        'p/b',
        'p/c',
      ])
    },
  ),
  on(
    'cancel() reaches what is waited for, the step that runs and the children, and lets the code clean up',
    async ({ start }) => {
      const undone: string[] = []
      const child = workflow(
        async (context) => {
          try {
            await context.sleep('for ever', 1e12)
          } finally {
            await context.step('undo', () => void undone.push('child'))
          }
        },
        1,
        'child',
      )
      const parent = workflow(async (context) => {
        try {
          await Promise.all([
            context.child('c', child, null),
            context.step(
              'endless',
              ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
              { attempts: 1 },
            ),
          ])
        } catch (error) {
          await context.step('undo', () => void undone.push('parent'))
          throw error
        }
      })
      const workflows = await start([child, parent])
      await workflows.start(parent, 'p', null)
      await until(
        async () => (await workflows.list({ workflow: 'child', status: 'waiting' })).length === 1,
        'the child rests',
      )
      await workflows.cancel('work', 'p', 'changed my mind')
      await workflows.cancel('work', 'p', 'again')
      await assert.rejects(
        workflows.result('work', 'p'),
        (error) => isError(error, 'WORKFLOW_CANCELLED') && /changed my mind/.test(error.message),
      )
      await assert.rejects(workflows.result('child', childIdOf({ workflow: 'work', id: 'p' }, 'c')), (error) =>
        isError(error, 'WORKFLOW_CANCELLED'),
      )
      assert.deepEqual(undone.sort(), ['child', 'parent'])
    },
  ),
  on('transaction() commits its changes with the record of it, once', async ({ store, start }) => {
    const table = `effects_${randomUUID().replaceAll('-', '')}`
    await store.database.query(`create table ${table} (n int)`)
    const definition = workflow(async (context) => {
      const count = await context.transaction('insert', async (transaction) => {
        await transaction.query(`insert into ${table} values (1)`)
        return (await transaction.query(`select n from ${table}`)).rows.length
      })
      await context
        .transaction(
          'refused',
          async (transaction) => {
            await transaction.query(`insert into ${table} values (2)`)
            throw new Error('on second thoughts')
          },
          { attempts: 2, backoffMs: 1 },
        )
        .catch(() => {})
      await context.sleep('a moment', 1)
      return count
    })
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    assert.equal(await workflows.result('work', 'a'), 1)
    assert.equal((await store.database.query(`select n from ${table}`)).rows.length, 1)
    await store.database.query(`drop table ${table}`)
  }),
  on(
    'an instance goes on in another program when its own is gone, and with the version it began with',
    async ({ store, start }) => {
      const calls: string[] = []
      const first = workflow(async (context) => {
        await context.step('one', () => void calls.push('one v1'))
        await context.waitFor('go', anything)
        await context.step('two', () => void calls.push('two v1'))
      })
      const second = workflow(async (context) => {
        await context.step('other', () => void calls.push('other v2'))
      }, 2)
      const before = await start([first])
      await before.start(first, 'old', null)
      await until(async () => (await before.list())[0]?.status === 'waiting', 'rest')
      await before.close()
      const only = await start([second])
      await only.signal('work', 'old', 'go', null)
      await only.start(second, 'new', null)
      await only.result('work', 'new')
      assert.deepEqual(calls, ['one v1', 'other v2'])
      const both = await start([first, second])
      await both.result('work', 'old')
      assert.deepEqual(calls, ['one v1', 'other v2', 'two v1'])
      assert.deepEqual(await typesOf(store, 'old'), [
        'Started',
        'StepCompleted',
        'WaitBegun',
        'SignalReceived',
        'StepCompleted',
        'Completed',
      ])
    },
  ),
  on('two programs share instances, and none is worked on twice', async ({ start }) => {
    const counts = new Map<string, number>()
    const definition = workflow(async (context) => {
      for (const step of [1, 2, 3])
        await context.step(
          `${step}`,
          () => void counts.set(`${context.id} ${step}`, (counts.get(`${context.id} ${step}`) ?? 0) + 1),
        )
    })
    const [one] = await Promise.all([start([definition], { concurrency: 4 }), start([definition], { concurrency: 4 })])
    const ids = Array.from({ length: 30 }, (_, at) => `i${at}`)
    await Promise.all(ids.map((id) => one.start(definition, id, null)))
    await Promise.all(ids.map((id) => one.result('work', id)))
    assert.equal(counts.size, 90)
    assert.deepEqual(new Set(counts.values()), new Set([1]))
  }),
  on(
    'a program that was taken for dead gets the record of who took over, and does no transaction twice',
    async ({ store, start }) => {
      const table = `takeover_${randomUUID().replaceAll('-', '')}`
      await store.database.query(`create table ${table} (by text)`)
      const held = Promise.withResolvers<void>()
      const begun: string[] = []
      const version = (name: string, wait: Promise<void>) =>
        workflow(async (context) => {
          const by = await context.step('slow', async () => {
            begun.push(name)
            await wait
            return name
          })
          await context.transaction('insert', (transaction) =>
            transaction.query(`insert into ${table} values ($1)`, [by]),
          )
          return by
        })
      const one = await start([version('one', held.promise)], { leaseMs: 60_000 })
      await one.start(version('one', held.promise), 'a', null)
      await until(() => begun.length === 1, 'it runs')
      await store.database.query(`update keelson_workflows set leased_until = now() - interval '1 s' where log = $1`, [
        store.log,
      ])
      const two = await start([version('two', Promise.resolve())])
      assert.equal(await two.result('work', 'a'), 'two')
      held.resolve()
      await one.close()
      assert.deepEqual((await store.database.query(`select by from ${table}`)).rows, [{ by: 'two' }])
      await store.database.query(`drop table ${table}`)
    },
  ),
  on('what a program holds and does not run is taken over when its lease has run out', async ({ store, start }) => {
    const held = Promise.withResolvers<void>()
    const definition = workflow(async (context) => context.step('slow', () => held.promise.then(() => 'done')))
    const one = await start([definition], { leaseMs: 150, concurrency: 1 })
    await one.start(definition, 'runs', null)
    const ownerOf = async (id: string) => {
      const { rows } = await store.database.query<{ owner: string | null }>(
        'select owner from keelson_workflows where log = $1 and id = $2',
        [store.log, id],
      )
      return rows[0]?.owner ?? undefined
    }
    await until(async () => (await ownerOf('runs')) !== undefined, 'it runs')
    await one.start(definition, 'lost', null)
    // As when the answer to a claim was lost.
    await store.database.query(
      `update keelson_workflows set owner = $2, leased_until = now() + interval '150 ms' where log = $1 and id = 'lost'`,
      [store.log, await ownerOf('runs')],
    )
    const two = await start([definition])
    await until(async () => ![undefined, await ownerOf('runs')].includes(await ownerOf('lost')), 'another took it over')
    held.resolve()
    assert.deepEqual([await two.result('work', 'lost'), await two.result('work', 'runs')], ['done', 'done'])
  }),
  on(
    'code that asks for something else than its journal has is parked, and goes on when it fits again',
    async ({ start }) => {
      const before = workflow(async (context) => {
        await context.step('one', () => 1)
        await context.waitFor('go', anything)
        return 'as it was'
      })
      const changed = workflow(async (context) => {
        await context.sleep('one', 1)
      })
      const first = await start([before])
      await first.start(before, 'a', null)
      await until(async () => (await first.list())[0]?.status === 'waiting', 'rest')
      await first.close()
      const second = await start([changed])
      await second.signal('work', 'a', 'go', null)
      await until(async () => (await second.list())[0]?.status === 'parked', 'parked')
      assert.match((await second.list())[0]?.reason ?? '', /asks for a timer "one" where its journal has a step/)
      await second.close()
      const third = await start([before])
      assert.equal(await third.resume('work', 'a'), true)
      assert.equal(await third.result('work', 'a'), 'as it was')
      assert.equal(await third.resume('work', 'a'), false)
    },
  ),
  on('metrics and health tell of steps, ends, and what is parked or nobody runs', async ({ store, start }) => {
    const metrics = createMetrics()
    const definition = workflow(async (context) => context.step('add', () => 1))
    const one = await start([definition], { metrics })
    await one.start(definition, 'a', null)
    await one.result('work', 'a')
    await until(() => metrics.collect().some(({ name }) => name === 'keelson_workflow_ended_total'), 'it is counted')
    const counted = metrics.collect().find(({ name }) => name === 'keelson_workflow_ended_total')
    assert.deepEqual(
      counted?.samples.map(({ labels }) => labels),
      [{ workflow: 'work', status: 'completed' }],
    )
    for (const name of [
      'keelson_workflow_step_seconds',
      'keelson_workflow_lateness_seconds',
      'keelson_workflow_running',
    ])
      assert.ok(metrics.collect().find((metric) => metric.name === name)?.samples.length, name)
    assert.deepEqual(await one.health(), { status: 'ok' })
    await one.close()
    const idle = await start([definition], { concurrency: 0 })
    await idle.start(definition, 'b', null)
    const alter = (change: string) =>
      store.database.query(`update keelson_workflows set ${change} where log = $1 and id = 'b'`, [store.log])
    await alter('wake_at = wake_at - 60000')
    assert.deepEqual(await idle.health(), { status: 'failed', message: 'nobody runs 1 of work' })
    await alter(`status = 'parked', tries = 1, wake_at = null`)
    assert.deepEqual(await idle.health(), { status: 'degraded', message: 'parked: 1 of work' })
  }),
  on('a program that has nothing to do asks the database little', async ({ store, start }) => {
    let asked = 0
    const database = delegatingDatabase(store.database, {
      query: (sql, parameters) => {
        asked += 1
        return store.database.query(sql, parameters)
      },
      transaction: (work) => {
        asked += 1
        return store.database.transaction(work)
      },
    })
    const counted = await openEventStore({ database, log: store.log })
    const definition = workflow(async (context) => context.step('add', () => 1))
    const idle = await start([definition], { store: counted })
    await new Promise((resolve) => setTimeout(resolve, 600))
    asked = 0
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    assert.ok(asked <= 8, `asked ${asked} times in about a second`)
    // What another program begins is seen all the same.
    const other = await start([definition], { concurrency: 0 })
    await other.start(definition, 'a', null)
    assert.equal(await other.result('work', 'a'), 1)
    await idle.close()
    await counted.close()
  }),
  on('events begin instances, once each', async ({ store, start }) => {
    const begun: unknown[] = []
    const definition = {
      ...workflow(async (context, input) => void (await context.step('note', () => void begun.push(input)))),
      startedBy: {
        types: ['OrderPlaced'],
        begin: ({ stream, data }: { stream: string; data: unknown }) =>
          stream === 'ignored' ? undefined : { id: stream, input: data },
      },
    }
    await store.append('order-0', [{ type: 'OrderPlaced', data: 0 }])
    const [one] = await Promise.all([start([definition]), start([definition])])
    await store.append('order-1', [{ type: 'OrderPlaced', data: 1 }])
    await store.append('ignored', [{ type: 'OrderPlaced', data: 0 }])
    await store.append('order-2', [
      { type: 'OrderPlaced', data: 2 },
      { type: 'OrderPlaced', data: 3 },
    ])
    await until(async () => (await one.list({ status: 'completed' })).length === 2, 'both')
    assert.deepEqual(begun.sort(), [1, 2])
  }),
  on('schedule() appends an event at its time, once, unless it is cancelled', async ({ store, start, shift }) => {
    const [one] = await Promise.all([start([]), start([])])
    const at = new Date(Date.now() + 3_600_000)
    const id = await one.schedule('reminders', { type: 'Reminded', data: { to: 'ada' } }, at)
    assert.equal(await one.schedule('reminders', { type: 'Reminded', data: { to: 'ada' }, id }, at), id)
    const cancelled = await one.schedule('reminders', { type: 'Cancelled' }, at)
    assert.equal(await one.unschedule(cancelled), true)
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal((await store.readStream('reminders')).version, 0)
    shift(3_600_001)
    await until(async () => (await store.readStream('reminders')).version > 0, 'the reminder')
    assert.deepEqual(
      (await store.readStream('reminders')).events.map(({ type, data }) => [type, data]),
      [['Reminded', { to: 'ada' }]],
    )
    assert.equal(await one.unschedule(id), false)
  }),
]
