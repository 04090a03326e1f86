/**
 * What projections do on every database, as data so that any test runner can run it. Each case has a log and tables of its own; the
 * database should be the cases' alone.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Database, isError, type Schema } from '@keelson/kernel'
import { createMetrics } from '@keelson/telemetry'
import { defineEvents, type EventIn, event } from '../event-types.ts'
import { openEventStore, type SqlEventStore } from '../store/sql-event-store.ts'
import { openInlineProjections } from './inline-projections.ts'
import { defineProjection, type ProjectionDefinition } from './projection.ts'
import { type ProjectionFailure, type Projections, type ProjectionsOptions, startProjections } from './projections.ts'

export interface ProjectionsCase {
  readonly name: string
  run(database: Database): Promise<void>
}

/** Amounts that are added up per account. Its schema refuses what is not a number, as stored events may be. */
const amount: Schema<{ amount: number }> = {
  '~standard': {
    version: 1,
    vendor: 'keelson',
    validate: (value) => {
      const given = Reflect.get(Object(value), 'amount')
      return typeof given === 'number'
        ? { value: { amount: given } }
        : { issues: [{ message: 'is no number', path: ['amount'] }] }
    },
  },
}
const Accounts = defineEvents({ Added: event(amount), Renamed: event(amount) })
type AccountEvent = EventIn<typeof Accounts>
type Definition = ProjectionDefinition<typeof Accounts>

let cases = 0

function totals(options: Partial<Definition> = {}, factor = 1): Definition {
  const name = options.name ?? `totals_${++cases}`
  return {
    name,
    version: 1,
    events: Accounts,
    tables: {
      [name]: (table) => [
        `create table ${table} (account text primary key, total float8 not null, last bigint not null)`,
      ],
    },
    project: (added: AccountEvent, table) => (added.type === 'Added' ? addTo(table(name), added, factor) : undefined),
    ...options,
  }
}

function totalsOf(name: string, added: AccountEvent, table: (name: string) => string) {
  return added.type === 'Added' ? addTo(table(name), added, 1) : undefined
}

/** A total is only added to from the event before: what is skipped, doubled or reordered cannot be overlooked. */
function addTo(table: string, { stream, version, data }: AccountEvent, factor: number) {
  return {
    sql: `insert into ${table} as t (account, total, last) values ($1, $2::float8, $3::bigint)
      on conflict (account) do update set total = t.total + $2::float8, last = case when t.last = $3::bigint - 1 then $3::bigint else 1 / (t.last - t.last) end`,
    parameters: [stream, data.amount * factor, version],
  }
}

interface Stage {
  readonly database: Database
  readonly store: SqlEventStore
  readonly failures: ProjectionFailure[]
  start(definitions: readonly Definition[], options?: Partial<ProjectionsOptions>): Promise<Projections>
  add(account: string, ...amounts: unknown[]): Promise<number>
  read(table: string): Promise<Record<string, number>>
  /** The same folded from the first event. */
  fold(factor?: number): Promise<Record<string, number>>
}

function on(name: string, run: (stage: Stage) => Promise<void>): ProjectionsCase {
  return {
    name,
    run: async (database) => {
      const store = await openEventStore({ database, log: `case-${randomUUID()}` })
      const started: Projections[] = []
      const failures: ProjectionFailure[] = []
      try {
        await run({
          database,
          store,
          failures,
          start: async (definitions, options = {}) => {
            const projections = await startProjections({
              store,
              projections: definitions.map((definition) => defineProjection(definition)),
              onFailure: (failure) => failures.push(failure),
              ...options,
            })
            started.push(projections)
            return projections
          },
          add: async (account, ...amounts) => {
            const events = amounts.map((value) => ({ type: 'Added', data: { amount: value } }))
            return (await store.append(account, events)).position
          },
          read: async (table) => {
            const { rows } = await database.query<{ account: string; total: number }>(
              `select account, total from ${table} order by account`,
            )
            return Object.fromEntries(rows.map(({ account, total }) => [account, total]))
          },
          fold: async (factor = 1) => {
            const { events } = await store.readFeed({ position: 0, epoch: 0 }, { limit: 100_000 })
            const sums: Record<string, number> = {}
            for (const { stream, data } of events)
              sums[stream] = (sums[stream] ?? 0) + Number(Reflect.get(Object(data), 'amount')) * factor
            return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)))
          },
        })
      } finally {
        for (const projections of started) await projections.close()
        await store.close()
      }
    },
  }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`${what}: it did not come to that`)
}

export const projectionsConformance: readonly ProjectionsCase[] = [
  on('a projection takes in what was there and what comes, and waitFor() lets its writer read it', async (stage) => {
    const definition = totals()
    await stage.add('a', 1, 2)
    const projections = await stage.start([definition])
    await stage.add('b', 5)
    const position = await stage.add('a', 10)
    await projections.waitFor(definition.name, position)
    assert.deepEqual(await stage.read(definition.name), { a: 13, b: 5 })
    const [status] = await projections.status()
    assert.deepEqual([status?.position, status?.lag, status?.state, status?.parked], [position, 0, 'live', 0])
  }),
  on('a projection goes on where it was, each event once, when it is started again', async (stage) => {
    const definition = totals()
    for (let turn = 0; turn < 4; turn++) {
      const projections = await stage.start([definition], { pageSize: 3 })
      let position = 0
      for (let count = 0; count < 10; count++) position = await stage.add(`a${count % 3}`, turn + count)
      if (turn % 2) await projections.waitFor(definition.name, position)
      await projections.close()
    }
    const projections = await stage.start([definition])
    await projections.waitFor(definition.name, (await stage.store.head()).position)
    assert.deepEqual(await stage.read(definition.name), await stage.fold())
  }),
  on('waitFor() passes positions without an event of the projection, and says when it gives up', async (stage) => {
    const definition = totals()
    const projections = await stage.start([definition])
    const { position } = await stage.store.append('other', [{ type: 'Unrelated' }])
    await projections.waitFor(definition.name, position)
    const late = await projections
      .waitFor(definition.name, position + 5, { timeoutMs: 50 })
      .catch((error: unknown) => error)
    assert.ok(isError(late, 'EVENTS_PROJECTION_BEHIND') && late.details['reached'] === position, String(late))
    const unknown = await projections.waitFor('nobody', 1).catch((error: unknown) => error)
    assert.ok(isError(unknown, 'EVENTS_PROJECTION_UNKNOWN'), String(unknown))
  }),
  on(
    'partitions are shared by processes, keep the order of each key, and are taken over from one that is silent',
    async (stage) => {
      const definition = totals({ partitions: 4 })
      const first = await stage.start([definition], { owner: 'first', leaseMs: 400 })
      const second = await stage.start([definition], { owner: 'second', leaseMs: 400 })
      const append = async () => {
        await Promise.all(Array.from({ length: 60 }, (_, at) => stage.add(`account-${at % 12}`, at)))
        return (await stage.store.head()).position
      }
      await second.waitFor(definition.name, await append())
      await first.close()
      const position = await append()
      await second.waitFor(definition.name, position, { timeoutMs: 10_000 })
      assert.deepEqual((await second.status())[0]?.owners, ['second'])
      assert.deepEqual(await stage.read(definition.name), await stage.fold())
    },
  ),
  on('one that lost its partition to another changes nothing any more', async (stage) => {
    const definition = totals({ apply: async () => {} })
    let isHeld = true
    const held = totals({
      ...definition,
      apply: async () => {
        while (isHeld) await new Promise((resolve) => setTimeout(resolve, 5))
      },
    })
    await stage.start([held], { owner: 'held', leaseMs: 200 })
    // PGlite has one connection: whoever is held in a transaction there holds everybody.
    isHeld = false
    await stage.add('a', 1)
    const other = await stage.start([definition], { owner: 'other', leaseMs: 200 })
    await stage.database.query(
      `update keelson_projection_partitions set lease_until = now() - interval '1 s' where name = $1`,
      [definition.name],
    )
    await until(async () => (await other.status())[0]?.owners[0] === 'other', 'another owner')
    await other.waitFor(definition.name, await stage.add('a', 2))
    assert.deepEqual(await stage.read(definition.name), { a: 3 })
  }),
  on(
    'an event that cannot be read is parked, with what follows it in its stream, and the rest goes on',
    async (stage) => {
      const definition = totals()
      await stage.add('bad', 1)
      await stage.add('good', 1)
      await stage.add('bad', 'poison')
      const projections = await stage.start([definition], { attempts: 2 })
      await stage.add('bad', 4)
      await projections.waitFor(definition.name, await stage.add('good', 8))
      assert.deepEqual(await stage.read(definition.name), { bad: 1, good: 9 })
      const parked = await projections.parked(definition.name)
      assert.deepEqual(
        parked.map(({ position, key, attempts }) => [position, key, attempts]),
        [
          [3, 'bad', 2],
          [4, 'bad', 0],
        ],
      )
      assert.match(parked[0]?.reason ?? '', /amount: is no number/)
      assert.equal((await projections.health()).status, 'degraded')
      assert.ok(stage.failures.some(({ isParked, position }) => isParked && position === 3))
    },
  ),
  on('what is parked is handled in its order once it can be, and the stream goes on live', async (stage) => {
    let isBroken = true
    const definition = totals()
    const project: Definition['project'] = (added, table) => {
      if (isBroken && added.stream === 'bad') throw new Error('no rate for it')
      return definition.project(added, table)
    }
    const projections = await stage.start([{ ...definition, project }], { attempts: 1 })
    await stage.add('bad', 1)
    await stage.add('good', 1)
    await projections.waitFor(definition.name, await stage.add('bad', 2))
    assert.equal(await projections.replayParked(definition.name), 2)
    isBroken = false
    assert.equal(await projections.replayParked(definition.name), 0)
    await projections.waitFor(definition.name, await stage.add('bad', 4))
    assert.deepEqual(await stage.read(definition.name), { bad: 7, good: 1 })
    assert.deepEqual(await projections.health(), { status: 'ok' })
  }),
  on('changes that never settle are undone and parked', async (stage) => {
    const definition = totals({
      apply: async (events) => {
        if (events.some(({ stream }) => stream === 'stuck')) await new Promise(() => {})
      },
    })
    const projections = await stage.start([definition], { attempts: 1, applyTimeoutMs: 100 })
    await stage.add('stuck', 1)
    await projections.waitFor(definition.name, await stage.add('fine', 2))
    assert.deepEqual(await stage.read(definition.name), { fine: 2 })
    assert.match((await projections.parked(definition.name))[0]?.reason ?? '', /has not settled within 100 ms/)
  }),
  on('apply() reads and changes in the transaction of the checkpoint', async (stage) => {
    const name = `doubled_${++cases}`
    const definition = totals({
      name,
      project: () => undefined,
      apply: async (events, change) => {
        for (const added of events) {
          const { rows } = await change.query<{ total: number }>(
            `select total from ${change.table(name)} where account = $1`,
            [added.stream],
          )
          await change.query(
            `insert into ${change.table(name)} values ($1, $2, 0) on conflict (account) do update set total = excluded.total`,
            [added.stream, (rows[0]?.total ?? 0) + added.data.amount],
          )
        }
      },
    })
    await stage.add('a', 1, 2, 3)
    const projections = await stage.start([definition], { pageSize: 2 })
    await projections.waitFor(name, await stage.add('a', 4))
    assert.deepEqual(await stage.read(name), { a: 10 })
  }),
  on(
    'a rebuild fills new tables while events come in, takes the place of the live ones at once, and runs no effect',
    async (stage) => {
      const effects: number[] = []
      const definition = totals({ effect: ({ position }) => void effects.push(position) })
      const projections = await stage.start([definition], { pageSize: 20 })
      for (let turn = 0; turn < 30; turn++) await stage.add(`a${turn % 5}`, turn)
      await projections.waitFor(definition.name, 30)
      // A hand that should not have been in there.
      await stage.database.query(`update ${definition.name}_g1 set total = -1`)
      let isWriting = true
      const writing = (async () => {
        while (isWriting) {
          await stage.add('live', 1)
          assert.ok(Object.keys(await stage.read(definition.name)).length >= 5)
        }
      })()
      const progress: number[] = []
      await projections.rebuild(definition.name, { onProgress: ({ done }) => void progress.push(done) })
      isWriting = false
      await writing
      const { position } = await stage.store.head()
      await projections.waitFor(definition.name, position)
      assert.deepEqual(await stage.read(definition.name), await stage.fold())
      await until(async () => effects.length >= position, 'all effects')
      assert.deepEqual(
        effects,
        Array.from({ length: position }, (_, at) => at + 1),
      )
      assert.ok(progress.length > 0)
      const [status] = await projections.status()
      assert.deepEqual([status?.generation, status?.state], [2, 'live'])
    },
  ),
  on('a new version is built beside the old one, which older code keeps up to date until then', async (stage) => {
    const definition = totals({ partitions: 2 })
    const old = await stage.start([definition], { owner: 'old', leaseMs: 400 })
    await stage.add('a', 1, 2)
    await old.waitFor(definition.name, await stage.add('b', 3))
    const next: Definition = { ...totals({ name: definition.name, partitions: 2 }, 10), version: 2 }
    const newer = await stage.start([next], { owner: 'new', leaseMs: 400 })
    await stage.add('a', 4)
    await until(async () => (await newer.status()).every(({ version }) => version === 2), 'the switch')
    await newer.waitFor(definition.name, await stage.add('b', 5))
    assert.deepEqual(await stage.read(definition.name), await stage.fold(10))
    // Code of the old version that starts now leaves it alone.
    await stage.start([definition], { owner: 'late' })
    await newer.waitFor(definition.name, await stage.add('a', 6))
    assert.deepEqual(await stage.read(definition.name), await stage.fold(10))
  }),
  on('a checkpoint beyond the log is refused by name, and nothing is skipped', async (stage) => {
    const definition = totals()
    const projections = await stage.start([definition])
    await projections.waitFor(definition.name, await stage.add('a', 1))
    await projections.close()
    await stage.database.query('update keelson_projection_partitions set position = 50 where name = $1', [
      definition.name,
    ])
    const again = await stage.start([definition])
    await until(async () => stage.failures.some(({ error }) => isError(error, 'EVENTS_POSITION_AHEAD')), 'the refusal')
    await again.close()
  }),
  on('metrics count events and failures, and say where a projection stands', async (stage) => {
    const metrics = createMetrics()
    const definition = totals()
    const projections = await stage.start([definition], { metrics, attempts: 1 })
    await stage.add('a', 1, 2)
    await projections.waitFor(definition.name, await stage.add('b', 'poison'))
    const value = (name: string) => {
      const metric = metrics.collect().find((one) => one.name === name)
      return metric?.type === 'histogram' ? undefined : metric?.samples[0]?.value
    }
    assert.equal(value('keelson_projection_position'), 3)
    assert.equal(value('keelson_projection_lag'), 0)
    assert.equal(value('keelson_projection_parked_total'), 1)
  }),
  on(
    'an inline projection is never behind, takes in what was there, and refuses with its event what it cannot handle',
    async (stage) => {
      const definition = totals({
        project: (added, table) =>
          added.data.amount < 0 ? { sql: 'select 1 / 0' } : totalsOf(definition.name, added, table),
      })
      await stage.add('a', 1, 2)
      const inline = await openInlineProjections({ store: stage.store, projections: [defineProjection(definition)] })
      assert.deepEqual(await stage.read(definition.name), { a: 3 })
      const added = (value: number) => [{ type: 'Added', data: { amount: value } }]
      await Promise.all(
        Array.from({ length: 10 }, async (_, at) => {
          await inline.append(`b${at % 3}`, added(at))
          await inline.append('unrelated', [{ type: 'Unrelated' }])
        }),
      )
      const { position } = await stage.store.head()
      await assert.rejects(inline.append('a', added(-1)), (error) => isError(error, 'DATABASE_QUERY_FAILED'))
      await assert.rejects(inline.append('a', added(1), { expected: 7 }), (error) =>
        isError(error, 'EVENTS_VERSION_CONFLICT'),
      )
      assert.equal((await stage.store.head()).position, position)
      const expected = { a: 3, b0: 18, b1: 12, b2: 15 }
      assert.deepEqual(await stage.read(definition.name), expected)
      const events = [{ id: randomUUID(), type: 'Added', data: { amount: 4 } }]
      await inline.append('a', events)
      assert.equal((await inline.append('a', events)).isRepeat, true)
      assert.deepEqual(await stage.read(definition.name), { ...expected, a: 7 })
    },
  ),
  on('an inline projection holds every event of the log, whoever appended it, on one partition', async (stage) => {
    const definition = totals({ partitions: 4 })
    await Promise.all(Array.from({ length: 40 }, (_, at) => stage.add(`s${at}`, 1)))
    const inline = await openInlineProjections({ store: stage.store, projections: [defineProjection(definition)] })
    assert.equal(Object.keys(await stage.read(definition.name)).length, 40)
    const added = [{ type: 'Added', data: { amount: 1 } }]
    const isMissing = (error: unknown) => isError(error, 'EVENTS_INLINE_MISSING')
    await assert.rejects(stage.store.append('plain', added), isMissing)
    const both = [
      { stream: 'plain', events: added },
      { stream: 'other', events: [{ type: 'Unrelated' }] },
    ]
    await assert.rejects(stage.store.appendAll(both), isMissing)
    const within = stage.database.transaction((transaction) => stage.store.appendWithin(transaction, both))
    await assert.rejects(within, isMissing)
    await stage.store.append('other', [{ type: 'Unrelated' }])
    await inline.append('plain', added)
    assert.equal((await stage.read(definition.name))['plain'], 1)
    await inline.retire(definition.name)
    await stage.store.append('plain', added)
  }),
  on(
    'health says what stands still: a bad text, a switch that cannot be made, a version that was overtaken',
    async (stage) => {
      const definition = totals({
        project: (added, table) => {
          if (added.data.amount < 0) throw new Error('bad \0 text, half \ud800')
          return totalsOf(definition.name, added, table)
        },
      })
      const projections = await stage.start([definition], { attempts: 1 })
      await stage.add('bad', -1)
      await projections.waitFor(definition.name, await stage.add('good', 1))
      assert.match(JSON.stringify(await projections.health()), /degraded.*1 events of .* are parked/)
      assert.equal((await projections.parked(definition.name))[0]?.attempts, 1)
      // A view of somebody else that the new columns would break.
      await stage.database.query(`create view ${definition.name}_report as select total from ${definition.name}`)
      const other = {
        ...totals({ name: definition.name }),
        version: 2,
        tables: {
          [definition.name]: (table: string) => [`create table ${table} (total text, stream text primary key)`],
        },
        project: () => undefined,
      }
      const newer = await stage.start([other], { attempts: 1 })
      await until(async () => /cannot take its place/.test(JSON.stringify(await newer.health())), 'the failed switch')
      // The old version goes on.
      await projections.waitFor(definition.name, await stage.add('good', 2))
      assert.equal((await stage.read(definition.name))['good'], 3)
      await stage.database.query(`drop view ${definition.name}_report`)
      await until(async () => (await newer.status()).every(({ version }) => version === 2), 'the switch')
      await until(async () => /has taken over/.test(JSON.stringify(await projections.health())), 'the old version')
    },
  ),
  on('views of others stay while a projection is rebuilt, and tables of another log are not taken', async (stage) => {
    const definition = totals()
    const projections = await stage.start([definition])
    await projections.waitFor(definition.name, await stage.add('a', 1))
    await stage.database.query(`create view ${definition.name}_report as select total from ${definition.name}`)
    await projections.rebuild(definition.name)
    await projections.waitFor(definition.name, await stage.add('a', 2))
    assert.deepEqual((await stage.database.query(`select total from ${definition.name}_report`)).rows.length, 1)
    const store = await openEventStore({ database: stage.database, log: `${stage.store.log}-2` })
    await assert.rejects(startProjections({ store, projections: [defineProjection(definition)] }), (error) =>
      isError(error, 'EVENTS_PROJECTION_INVALID'),
    )
    await store.close()
  }),
  on('an archived event reaches a projection that was away when it came', async (stage) => {
    const definition = totals()
    const projections = await stage.start([definition])
    await projections.waitFor(definition.name, await stage.add('a', 1))
    await projections.close()
    const position = await stage.add('a', 2)
    await stage.store.archive('a')
    const again = await stage.start([definition])
    await again.waitFor(definition.name, position)
    assert.deepEqual(await stage.read(definition.name), { a: 3 })
  }),
  on(
    'an inline projection is rebuilt while events are appended, and a new version takes over at its start',
    async (stage) => {
      const definition = totals()
      const inline = await openInlineProjections({ store: stage.store, projections: [defineProjection(definition)] })
      const add = (value: number) => inline.append(`a${value % 4}`, [{ type: 'Added', data: { amount: value } }])
      for (let turn = 0; turn < 20; turn++) await add(turn)
      await stage.database.query(`update ${definition.name}_g1 set total = -1`)
      let isWriting = true
      const writing = (async () => {
        for (let turn = 0; isWriting; turn++) await add(turn)
      })()
      await inline.rebuild(definition.name)
      isWriting = false
      await writing
      const sum = async (factor = 1) => {
        const { events } = await stage.store.readFeed({ position: 0, epoch: 0 }, { limit: 100_000 })
        return events.reduce((total, one) => total + factor * Number(Reflect.get(Object(one.data), 'amount')), 0)
      }
      const read = async () => Object.values(await stage.read(definition.name)).reduce((total, one) => total + one, 0)
      assert.equal(await read(), await sum())
      const next = { ...totals({ name: definition.name }, 10), version: 2 }
      const newer = await openInlineProjections({ store: stage.store, projections: [defineProjection(next)] })
      assert.equal(await read(), await sum(10))
      await newer.append('a1', [{ type: 'Added', data: { amount: 5 } }])
      assert.equal(await read(), await sum(10))
      await assert.rejects(add(1), (error) => isError(error, 'EVENTS_PROJECTION_SUPERSEDED'))
    },
  ),
  on('two projections of one name, and names that are no table, are refused', async (stage) => {
    const definition = totals()
    const twice = await stage.start([definition, definition]).catch((error: unknown) => error)
    assert.ok(isError(twice, 'EVENTS_PROJECTION_INVALID'), String(twice))
    for (const bad of [{ name: 'Robert"); drop' }, { version: 0 }, { tables: {} }, { partitions: 0 }])
      assert.throws(
        () => defineProjection({ ...definition, ...bad }),
        (error) => isError(error, 'EVENTS_PROJECTION_INVALID'),
      )
  }),
]
