/** What workflows keep to when something is wrong: names that run into each other, changed code, bad input, things that nobody catches. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isError, systemClock } from '@keelson/kernel'
import type { WorkflowContext } from './workflow.ts'
import { anything, on, type Stage, text, until, type WorkflowsCase, workflow } from './workflow-stage.ts'

type Run = (context: WorkflowContext) => Promise<unknown>

/** What of a workflow was done already, by step. */
function counting() {
  const done: string[] = []
  const step = (context: WorkflowContext, name: string) => context.step(name, () => void done.push(name))
  return { done, step }
}

/** Runs an instance with `before` until it waits for `go`, and then with `after`. Gives what is there then. */
async function changed({ start }: Stage, before: Run, after: Run) {
  const first = await start([workflow(before)])
  await first.start(workflow(before), 'a', null)
  await until(async () => (await first.list())[0]?.status === 'waiting', 'rest')
  await first.close()
  const second = await start([workflow(after)])
  await second.signal('work', 'a', 'go', null)
  await until(async () => !['running', 'waiting'].includes((await second.list())[0]?.status ?? ''), 'it has gone on')
  const [instance] = await second.list()
  await second.close()
  return { status: instance?.status, reason: instance?.reason ?? '' }
}

const { step } = counting()
const go = (context: WorkflowContext) => context.waitFor('go', anything)

/** Changes of code: before, after, and what is said of it. */
const changes: Readonly<Record<string, readonly [Run, Run, RegExp]>> = {
  inserted: [
    async (c) => [await step(c, 'charge'), await step(c, 'ship'), await go(c)],
    async (c) => [await step(c, 'check'), await step(c, 'charge'), await step(c, 'ship'), await go(c)],
    /asks for a step "check" where its journal has a step "charge"/,
  ],
  removed: [
    async (c) => [await step(c, 'reserve'), await step(c, 'charge'), await go(c)],
    async (c) => [await step(c, 'charge'), await go(c)],
    /asks for a step "charge" where its journal has a step "reserve"/,
  ],
  'removed at the end': [
    async (c) => [await step(c, 'charge'), await step(c, 'thank'), await go(c)],
    async (c) => step(c, 'charge'),
    /asks for nothing more where its journal has a step "thank"/,
  ],
  renamed: [
    async (c) => [await step(c, 'charge'), await go(c)],
    async (c) => [await step(c, 'charge-card'), await go(c)],
    /asks for a step "charge-card" where its journal has a step "charge"/,
  ],
  reordered: [
    async (c) => [await step(c, 'a'), await step(c, 'b'), await go(c)],
    async (c) => [await step(c, 'b'), await step(c, 'a'), await go(c)],
    /asks for a step "b" where its journal has a step "a"/,
  ],
  'made another wait': [
    async (c) => [await step(c, 'a'), await go(c)],
    async (c) => [await step(c, 'a'), await c.waitFor('proceed', anything)],
    /asks for a wait "proceed" where its journal has a wait "go"/,
  ],
  'made a timer of': [
    async (c) => [await step(c, 'a'), await go(c)],
    async (c) => [await c.sleep('a', 1), await go(c)],
    /asks for a timer "a" where its journal has a step "a"/,
  ],
}

export const workflowFaultsConformance: readonly WorkflowsCase[] = [
  ...Object.entries(changes).map(([what, [before, after, reason]]) =>
    on(`an instance whose code was changed is parked and says how: ${what}`, async (stage) => {
      const found = await changed(stage, before, after)
      assert.equal(found.status, 'parked')
      assert.match(found.reason, reason)
    }),
  ),
  on('patched() gives the old way to instances whose journal goes on, and the new one to others', async (stage) => {
    const { done, step: counted } = counting()
    const patched: Run = async (context) => {
      await counted(context, 'reserve')
      await counted(context, context.patched('card') ? 'charge-card' : 'charge')
      await go(context)
      await counted(context, context.patched('card') ? 'thank' : 'bye')
    }
    const before: Run = async (c) => [await counted(c, 'reserve'), await counted(c, 'charge'), await go(c)]
    assert.equal((await changed(stage, before, patched)).status, 'completed')
    const workflows = await stage.start([workflow(patched)])
    await workflows.start(workflow(patched), 'new', null)
    await until(async () => (await workflows.list({ id: 'new' }))[0]?.status === 'waiting', 'rest')
    await workflows.close()
    const later = await stage.start([workflow(patched)])
    await later.signal('work', 'new', 'go', null)
    await later.result('work', 'new')
    assert.deepEqual(done, ['reserve', 'charge', 'bye', 'reserve', 'charge-card', 'thank'])
  }),
  on('instances never share a journal or a child, whatever their names and ids contain', async ({ start }) => {
    const charging = (name: string) =>
      workflow(async (context) => [await context.step('charge', () => name), await go(context)], 1, name)
    const [one, two] = [charging('order'), charging('order-refund')]
    const ship = workflow(async (_, what) => `shipped ${what}`, 1, 'ship')
    const [sale, back] = ['sale', 'return'].map((name) =>
      workflow((context) => context.child('parcel', ship, name), 1, name),
    )
    assert.ok(sale && back)
    const workflows = await start([one, two, ship, sale, back])
    await workflows.start(one, 'refund-7', null)
    await workflows.start(two, '7', null)
    await workflows.signal('order-refund', '7', 'go', 'two')
    assert.deepEqual(await workflows.result('order-refund', '7'), ['order-refund', 'two'])
    await workflows.signal('order', 'refund-7', 'go', 'one')
    assert.deepEqual(await workflows.result('order', 'refund-7'), ['order', 'one'])
    for (const id of ['7', '7/parcel']) {
      await workflows.start(ship, id, 'by hand')
      await workflows.start(sale, id, null)
      await workflows.start(back, id, null)
      assert.equal(await workflows.result('sale', id), 'shipped sale')
      assert.equal(await workflows.result('return', id), 'shipped return')
    }
    const keyed = workflow(
      async (context) => {
        const keys = [await context.step('x', ({ key }) => key), await context.step('x', ({ key }) => key)]
        return [...keys, await context.step('x #2', ({ key }) => key)]
      },
      1,
      'keyed',
    )
    const keys = await start([keyed])
    const found = await Promise.all(
      ['a', 'a/x', 'ü ☃'].map(async (id) => {
        await keys.start(keyed, id, null)
        return keys.result('keyed', id)
      }),
    )
    const all = found.flat().map(String)
    assert.equal(new Set(all).size, 9)
    for (const key of all) assert.match(key, /^[!-~]+$/)
  }),
  on('cancel() leaves no child that goes on, also not one that is being begun', async ({ start }) => {
    const charged: string[] = []
    const child = workflow(
      async (context) => {
        await context.sleep('first', 50)
        await context.step('charge', () => void charged.push(context.id))
      },
      1,
      'child',
    )
    const between = workflow((context) => context.child('c', child, null), 1, 'between')
    const parent = workflow((context) =>
      Promise.all(Array.from({ length: 10 }, (_, at) => context.child(`c${at}`, between, null))),
    )
    const workflows = await start([parent, between, child])
    for (const waitMs of [0, 5, 20, 40]) {
      const id = `p${waitMs}`
      await workflows.start(parent, id, null)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      charged.length = 0
      await workflows.cancel('work', id, 'no longer wanted')
      const before = charged.length
      await assert.rejects(workflows.result('work', id), (error) => isError(error, 'WORKFLOW_CANCELLED'))
      await until(
        async () =>
          (await workflows.list({ limit: 200 })).every(({ status }) => !['running', 'waiting'].includes(status)),
        'all have ended',
      )
      assert.equal(charged.length, before)
    }
  }),
  on('results keep null and nothing apart, and what JSON would change is refused by name', async ({ start }) => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const bad = [
      new Date(0),
      { at: new Date(0) },
      [undefined],
      { a: undefined },
      () => 1,
      1n,
      Number.NaN,
      new Map(),
      cycle,
    ]
    const definition = workflow(async (context) => {
      const kept = [await context.step('null', () => null), await context.step('nothing', () => undefined)]
      const shown = kept.map((value) => String(value))
      await context.sleep('a moment', 1)
      const codes: unknown[] = []
      for (const value of bad)
        codes.push(
          await context.step('bad', () => value).catch((error: unknown) => isError(error) && error.details['code']),
        )
      return [shown, new Set(codes).size, codes[0]]
    })
    const unkeepable = workflow(async () => new Date(0), 1, 'unkeepable')
    const workflows = await start([definition, unkeepable])
    await workflows.start(definition, 'a', null)
    assert.deepEqual(await workflows.result('work', 'a'), [['null', 'undefined'], 1, 'WORKFLOW_VALUE_INVALID'])
    await workflows.start(unkeepable, 'b', null)
    await until(async () => (await workflows.list({ id: 'b' }))[0]?.status === 'parked', 'parked')
    await assert.rejects(workflows.signal('work', 'a', 'x', new Date()), (error) =>
      isError(error, 'WORKFLOW_VALUE_INVALID'),
    )
    // As plain JavaScript may give it.
    await assert.rejects(
      workflows.start(definition, 'c', () => 1),
      (error) => isError(error, 'WORKFLOW_VALUE_INVALID'),
    )
  }),
  on('no text of an error stops more than its own instance', async ({ start }) => {
    const definition = workflow(async (context, input) => {
      await context.step('fails', () => Promise.reject(new Error(`${input}`)), { attempts: 1 }).catch(() => {})
      throw new Error(`cannot read ${input}`)
    })
    const workflows = await start([definition])
    const texts = ['"\0"', '\ud800', 'x'.repeat(1_000_000)]
    for (const [at, given] of texts.entries()) {
      await workflows.start(definition, `${at}`, given)
      await assert.rejects(workflows.result('work', `${at}`), (error) => isError(error, 'WORKFLOW_FAILED'))
    }
    await workflows.start(definition, 'cancelled', 'x')
    await workflows.cancel('work', 'cancelled', 'with a \0').catch(() => {})
    for (const id of ['', 'a\nb', '\ud800', 'x'.repeat(401)])
      await assert.rejects(workflows.start(definition, id, null), (error) => isError(error, 'WORKFLOW_INVALID'))
  }),
  on(
    'an event that begins nothing is set aside, and those after it begin what they should',
    async ({ store, start }) => {
      let isMended = false
      const definition = {
        ...workflow(async (_, input) => input),
        input: text,
        startedBy: {
          types: ['Asked'],
          begin: ({ data }: { data: unknown }) => {
            if (data === 'throws' && !isMended) throw new Error('what is this?')
            return { id: String(data), input: data === 'unfit' ? 5 : 'fine' }
          },
        },
      }
      const ask = (data: string) => store.append('asked', [{ type: 'Asked', data }])
      await ask('before it was defined')
      const workflows = await start([definition])
      for (const data of ['a\nb', 'throws', 'unfit', 'good']) await ask(data)
      await store.archive('asked')
      assert.equal(
        await workflows.result('work', 'good').catch(async () => {
          await until(async () => (await workflows.list({ id: 'good' })).length === 1, 'it has begun')
          return workflows.result('work', 'good')
        }),
        'fine',
      )
      assert.deepEqual(
        (await workflows.list()).map(({ id }) => id),
        ['good'],
      )
      const set = await workflows.parkedStarts()
      assert.deepEqual(
        set.map(({ position, tries }) => [position, tries]),
        [
          [2, 1],
          [3, 1],
          [4, 1],
        ],
      )
      assert.deepEqual(await workflows.health(), { status: 'degraded', message: 'events that begin nothing: 3' })
      await workflows.close()
      isMended = true
      const mended = await start([definition])
      assert.equal(await mended.retryStarts('work'), 3)
      await until(async () => (await mended.parkedStarts()).length === 2, 'it was tried again')
      assert.equal(await mended.result('work', 'throws'), 'fine')
    },
  ),
  on(
    'a signal right after the event that begins an instance reaches it, and events signal too',
    async ({ store, start }) => {
      const definition = {
        ...workflow(async (context) => [
          await context.waitFor('paid', anything),
          await context.waitFor('sent', anything),
        ]),
        startedBy: {
          types: ['Placed', 'Sent'],
          begin: ({ type, stream, data }: { type: string; stream: string; data: unknown }) =>
            type === 'Placed' ? { id: stream, input: null } : { id: stream, signal: { name: 'sent', value: data } },
        },
      }
      const workflows = await start([definition])
      const asking = await start([], { concurrency: 0 })
      await Promise.all(
        Array.from({ length: 10 }, async (_, at) => {
          await store.append(`o-${at}`, [{ type: 'Placed' }])
          await (at % 2 === 0 ? workflows : asking).signal('work', `o-${at}`, 'paid', at)
          await store.append(`o-${at}`, [{ type: 'Sent', data: { by: 'rail' } }])
          assert.deepEqual(await workflows.result('work', `o-${at}`), [at, { by: 'rail' }])
        }),
      )
      await store.append('nobody', [{ type: 'Sent', data: null }])
      await assert.rejects(workflows.signal('work', 'nobody', 'paid', 1), (error) =>
        isError(error, 'WORKFLOW_NOT_FOUND'),
      )
    },
  ),
  on('a signal that does not fit leaves its instance waiting, and is told', async ({ start }) => {
    const definition = workflow((context) => context.waitFor('answer', text))
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    await workflows.signal('work', 'a', 'answer', 5)
    await until(async () => (await workflows.health()).status === 'degraded', 'health tells')
    assert.equal((await workflows.health()).message, 'sent what does not fit: 1 of work')
    await workflows.close()
    const later = await start([definition])
    await later.signal('work', 'a', 'answer', 'yes')
    assert.equal(await later.result('work', 'a'), 'yes')
    assert.deepEqual(await later.health(), { status: 'ok' })
  }),
  on('a transaction of a workflow that asks the store ends, and holds nobody up', async ({ store, start }) => {
    const definition = workflow((context) =>
      context
        .transaction(
          't',
          async (transaction) => {
            await transaction.query('select 1')
            return (await store.readStream('other')).version
          },
          { timeoutMs: 200, attempts: 1 },
        )
        .catch(() => 'refused'),
    )
    const workflows = await start([definition])
    await workflows.start(definition, 'a', null)
    assert.ok([0, 'refused'].includes((await workflows.result('work', 'a')) as never))
    assert.equal((await store.database.query('select 1 as one')).rows.length, 1)
  }),
  on('slow steps of one workflow hold up no other', async ({ start }) => {
    const held = Promise.withResolvers<void>()
    const slow = workflow((context) => context.step('slow', () => held.promise), 1, 'slow')
    const quick = workflow((context) => context.step('quick', () => 'done'), 1, 'quick')
    const workflows = await start([slow, quick], { concurrency: 2 })
    for (let at = 0; at < 5; at++) await workflows.start(slow, `${at}`, null)
    await workflows.start(quick, 'a', null)
    assert.equal(await workflows.result('quick', 'a'), 'done')
    held.resolve()
    await Promise.all([0, 1, 2, 3, 4].map((at) => workflows.result('slow', `${at}`)))
  }),
  on('pause() stops an instance where it is, and resume() lets it go on', async ({ start }) => {
    const { done, step: counted } = counting()
    const held = Promise.withResolvers<void>()
    const definition = workflow(async (context) => {
      await context.step('first', () => held.promise)
      await counted(context, 'second')
    })
    const workflows = await start([definition], { leaseMs: 90 })
    await workflows.start(definition, 'a', null)
    await until(async () => (await workflows.list())[0]?.status === 'running', 'it runs')
    assert.equal(await workflows.pause('work', 'a'), true)
    assert.equal(await workflows.pause('work', 'a'), false)
    await until(async () => (await workflows.health()).message === 'paused: 1 of work', 'health tells')
    held.resolve()
    await new Promise((resolve) => setTimeout(resolve, 150))
    assert.deepEqual([done.length, (await workflows.list())[0]?.status], [0, 'paused'])
    assert.equal(await workflows.resume('work', 'a'), true)
    await workflows.result('work', 'a')
    assert.deepEqual(done, ['second'])
  }),
  on('fork() begins with what was answered up to a step, and does nothing of it again', async ({ start }) => {
    const { done, step: counted } = counting()
    let price = 1
    const child = workflow((context) => counted(context, 'child'), 1, 'child')
    const definition = workflow(async (context) => {
      await counted(context, 'charge')
      await context.child('parcel', child, null)
      const answer = await go(context)
      return [answer, await context.step('price', () => price), await context.step('key', ({ key }) => key)]
    })
    const workflows = await start([definition, child])
    await workflows.start(definition, 'a', null)
    await workflows.signal('work', 'a', 'go', 'yes')
    assert.deepEqual(await workflows.result('work', 'a'), ['yes', 1, 'work/a/key'])
    price = 2
    await workflows.fork('work', 'a', { from: 'price', as: 'b' })
    assert.deepEqual(await workflows.result('work', 'b'), ['yes', 2, 'work/b/key'])
    assert.deepEqual(done, ['charge', 'child'])
    await assert.rejects(workflows.fork('work', 'a', { from: 'price', as: 'b' }), (error) =>
      isError(error, 'WORKFLOW_ID_TAKEN'),
    )
    await assert.rejects(workflows.fork('work', 'a', { from: 'nowhere', as: 'c' }), (error) =>
      isError(error, 'WORKFLOW_INVALID'),
    )
  }),
  on('what is begun, signalled and ended by hand is so at once, with its transaction', async ({ store, start }) => {
    const child = workflow((context) => context.sleep('for ever', 1e12), 1, 'child')
    const definition = workflow(async (context) => [await go(context), await context.child('c', child, null)])
    const workflows = await start([definition, child])
    const { database } = store
    await database.transaction(async (transaction) => {
      await workflows.startWithin(transaction, definition, 'a', null)
      await workflows.signalWithin(transaction, 'work', 'a', { name: 'go', value: 1 })
    })
    const undone = database.transaction(async (transaction) => {
      await workflows.startWithin(transaction, definition, 'b', null)
      throw new Error('on second thoughts')
    })
    await assert.rejects(undone, /second thoughts/)
    await until(async () => (await workflows.list({ workflow: 'child' })).length === 1, 'the child')
    assert.equal(await workflows.terminate('work', 'a', 'enough'), true)
    await assert.rejects(workflows.result('work', 'a'), (error) => isError(error, 'WORKFLOW_CANCELLED'))
    await until(async () => (await workflows.list()).every(({ status }) => status === 'cancelled'), 'the child too')
    assert.equal(await workflows.terminate('work', 'a', 'again'), false)
  }),
  on(
    'what a workflow leaves uncaught parks it, or nothing when it was cancelled, and ends no program',
    async ({ start }) => {
      const others = process.listeners('unhandledRejection')
      process.removeAllListeners('unhandledRejection')
      try {
        const leaving = workflow(
          async (context) => {
            void context.step('left', () => Promise.reject(new Error('broken')), { attempts: 1 }).then(() => 'derived')
            await go(context)
          },
          1,
          'leaving',
        )
        const cancelled = workflow(async (context) => {
          const late = context.sleep('deadline', 86_400_000).then(() => 'late')
          await context.step('undo', () => new Promise((resolve) => setTimeout(resolve, 30))).catch(() => {})
          await context.step('more', () => new Promise((resolve) => setTimeout(resolve, 30)))
          return late
        })
        const workflows = await start([leaving, cancelled])
        await workflows.start(leaving, 'a', null)
        await until(async () => (await workflows.list({ id: 'a' }))[0]?.status === 'parked', 'parked')
        assert.match(
          (await workflows.list({ id: 'a' }))[0]?.reason ?? '',
          /nobody waits for: The step "left" failed: broken/,
        )
        await workflows.start(cancelled, 'b', null)
        await until(async () => (await workflows.list({ id: 'b' }))[0]?.status === 'running', 'it runs')
        await workflows.cancel('work', 'b', 'no longer wanted')
        await assert.rejects(workflows.result('work', 'b'), (error) => isError(error, 'WORKFLOW_CANCELLED'))
      } finally {
        for (const listener of others) process.on('unhandledRejection', listener)
      }
    },
  ),
  on(
    'what waits for something that is no step is parked, and what is parked is tried again',
    async ({ start, shift }) => {
      let isMended = false
      const definition = workflow(async () => {
        if (!isMended) await new Promise(() => {})
        return 'done'
      })
      const hasty = {
        ...systemClock,
        sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 50), signal),
      }
      const workflows = await start([definition], { clock: hasty })
      await workflows.start(definition, 'a', null)
      await until(async () => (await workflows.list())[0]?.status === 'parked', 'parked')
      assert.equal((await workflows.health()).message, 'parked: 1 of work')
      isMended = true
      shift(120_000)
      assert.equal(await workflows.result('work', 'a'), 'done')
    },
  ),
  on(
    'a scheduled event that cannot be appended is set aside, and others are appended',
    async ({ store, start, shift }) => {
      await store.append('closed', [{ type: 'Opened' }])
      const workflows = await start([])
      const at = new Date((await store.database.now()) + 60_000)
      await workflows.schedule('closed', { type: 'Reminded' }, at)
      await workflows.schedule('open', { type: 'Reminded' }, at)
      await store.archive('closed')
      shift(60_001)
      await until(async () => (await store.readStream('open')).version === 1, 'the other')
      await until(async () => (await workflows.health()).status === 'degraded', 'health tells')
      assert.equal((await workflows.health()).message, 'scheduled events that cannot be appended: 1')
    },
  ),
  on('programs whose clocks differ agree on when a timer is due', async ({ start }) => {
    const definition = workflow(async (context) => {
      await context.sleep('an hour', 3_600_000)
      return 'woke'
    })
    const clock = { ...systemClock, now: () => Date.now() + 7_200_000 }
    const workflows = await start([definition], { clock })
    await workflows.start(definition, randomUUID(), null)
    await until(async () => (await workflows.list())[0]?.status === 'waiting', 'it sleeps')
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal((await workflows.list())[0]?.status, 'waiting')
  }),
]
