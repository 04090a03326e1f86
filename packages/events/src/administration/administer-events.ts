/** The implementation of `EventsAdministration` over a store and, where there are any, its projections and workflows. */
import { type CallContext, type Clock, type Handler, isError, systemClock } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { Projections } from '../projections/projections.ts'
import type { RecordedEvent } from '../store/event.ts'
import type { ExpectedVersion } from '../store/event-store.ts'
import { follow, followStream } from '../store/follow.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import type { Workflows } from '../workflows/workflows.ts'
import { checkRuns } from './check-runs.ts'
import type { EventsAdministration } from './events-contract.ts'
import { filledIn, importRows } from './import-rows.ts'

type Operations = (typeof EventsAdministration)['operations']
type Implementation = { readonly [Name in keyof Operations]: Handler<Operations[Name], CallContext> }

export interface AdministerOptions {
  readonly store: SqlEventStore
  readonly projections?: Projections
  /** With a `concurrency` of 0 they are only looked after here, and run elsewhere. */
  readonly workflows?: Workflows
  readonly clock?: Clock
}

/**
 * @example
 * export const events = defineService(EventsAdministration, {
 *   uses: { database: Database },
 *   start: async ({ database, lifetime }) => administerEvents({ store: lifetime.own(await openEventStore({ database })) }),
 * })
 */
export function administerEvents({
  store,
  projections,
  workflows,
  clock = systemClock,
}: AdministerOptions): Implementation {
  const running = (name: string): Projections => {
    if (!projections) throw eventsErrors.EVENTS_PROJECTION_UNKNOWN({ projection: name, known: [] })
    return projections
  }
  const instancesFor = (workflow: string, id: string): Workflows => {
    if (!workflows) throw eventsErrors.WORKFLOW_NOT_FOUND({ workflow, id })
    return workflows
  }
  return {
    append: ({ stream, type, payload, expected, id }) =>
      store.append(stream, [{ type, data: payload, ...(id === undefined ? {} : { id }) }], {
        expected: expectedOf(expected),
      }),
    read: async function* ({ stream, after, limit = Number.POSITIVE_INFINITY, types, archived, follow: isLive }, call) {
      let count = 0
      const feed = {
        after: { position: after, epoch: 0 },
        ...(types ? { types } : {}),
        includeArchived: archived,
        isLive,
        signal: call.signal,
      }
      for await (const event of stream === undefined
        ? follow(store, feed)
        : followStream(store, stream, { from: after + 1, isLive, signal: call.signal })) {
        if (types && !types.includes(event.type)) continue
        yield shown(event)
        count += 1
        if (count >= limit) return
      }
    },
    replay: async function* ({ after, to, until, rate, types }, call) {
      const replayed = follow(store, {
        after: { position: after, epoch: 0 },
        upTo: to ?? (await store.head()).position,
        signal: call.signal,
        clock,
        ...(types ? { types } : {}),
        ...(until === undefined ? {} : { until: new Date(until) }),
        ...(rate === undefined ? {} : { eventsPerSecond: rate }),
      })
      for await (const event of replayed) yield shown(event)
    },
    streams: async ({ prefix, after, limit }) => ({ streams: [...(await store.streams({ prefix, after, limit }))] }),
    verify: async function* ({ position, seal }, call) {
      const expected = position === undefined || seal === undefined ? undefined : { position, seal }
      let last = { done: 0, total: 0, erased: 0, sealedTo: 0, seal: { position: 0, seal: '' }, error: null }
      try {
        for await (const { verified, total, erased, sealedTo, seal: newest } of store.verify({
          signal: call.signal,
          ...(expected ? { expected } : {}),
        })) {
          last = { done: verified, total, erased, sealedTo, seal: newest, error: null }
          yield last
        }
      } catch (error) {
        yield { ...last, error: reasonOf(error, 'EVENTS_LOG_DAMAGED') }
      }
    },
    import: async function* ({ table, key, stream, type, name = table, dryRun, again }, call) {
      const rowImport = {
        name,
        table,
        key,
        toEvents: (row: Readonly<Record<string, unknown>>) => ({
          stream: filledIn(stream, row),
          events: [{ type, data: row }],
        }),
      }
      let last = { done: 0, total: 0, skipped: 0, events: 0, isDryRun: dryRun, error: null }
      try {
        for await (const one of importRows(store, rowImport, {
          isDryRun: dryRun,
          isFromStart: again,
          signal: call.signal,
        })) {
          last = {
            done: one.read,
            total: one.total,
            skipped: one.skipped,
            events: one.events,
            isDryRun: dryRun,
            error: null,
          }
          yield last
        }
      } catch (error) {
        yield { ...last, error: reasonOf(error, 'EVENTS_') }
      }
    },
    projections: async () => ({
      projections: (projections ? await projections.status() : []).map((status) => ({
        ...status,
        owners: [...status.owners],
      })),
    }),
    rebuild: async function* ({ name }, call) {
      const states: { done: number; total: number }[] = []
      let wake = () => {}
      let isDone = false
      const rebuilt = running(name)
        .rebuild(name, {
          signal: call.signal,
          onProgress: (state) => {
            states.push(state)
            wake()
          },
        })
        .finally(() => {
          isDone = true
          wake()
        })
      rebuilt.catch(() => {})
      while (!isDone) {
        const state = states.splice(0).at(-1)
        if (state) yield { ...state, error: null }
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
      await rebuilt
      const { position } = await store.head()
      yield { done: position, total: position, ...states.at(-1), error: null }
    },
    parked: async ({ name }) => ({
      events: (await running(name).parked(name)).map(({ position, key, reason, attempts, parkedAt }) => ({
        position,
        key,
        reason,
        attempts,
        parkedAt: parkedAt.toISOString(),
      })),
    }),
    retry: async ({ name }) => ({ parked: await running(name).replayParked(name) }),
    workflows: async (filter) => ({
      workflows: ((await workflows?.list(filter)) ?? []).map((instance) => ({
        ...instance,
        waitingFor: [...instance.waitingFor],
        wakeAt: instance.wakeAt?.toISOString() ?? null,
        startedAt: instance.startedAt.toISOString(),
        updatedAt: instance.updatedAt.toISOString(),
      })),
    }),
    signal: ({ workflow, id, name, json, key }) =>
      instancesFor(workflow, id).signal(workflow, id, name, parsed(workflow, json), key === undefined ? {} : { key }),
    cancel: ({ workflow, id, reason }) => instancesFor(workflow, id).cancel(workflow, id, reason),
    pause: async ({ workflow, id }) => ({ isPaused: await instancesFor(workflow, id).pause(workflow, id) }),
    resume: async ({ workflow, id }) => ({ isResumed: await instancesFor(workflow, id).resume(workflow, id) }),
    terminate: async ({ workflow, id, reason }) => ({
      isTerminated: await instancesFor(workflow, id).terminate(workflow, id, reason),
    }),
    fork: ({ workflow, id, ...options }) => instancesFor(workflow, id).fork(workflow, id, options),
    exportRuns: async function* (filter) {
      for await (const { records, ...history } of workflows?.histories(filter) ?? [])
        yield { ...history, records: records.map(({ asked, ...record }) => ({ ...record, asked: [...asked] })) }
    },
    check: ({ file, ...filter }) => checkRuns(workflows, file, filter),
    unstarted: async () => ({ events: [...((await workflows?.parkedStarts()) ?? [])] }),
    retryStarts: async ({ workflow }) => ({ events: (await workflows?.retryStarts(workflow)) ?? 0 }),
  }
}

function shown({ recordedAt, tags, ...event }: RecordedEvent) {
  return {
    ...event,
    data: event.data ?? null,
    metadata: { ...event.metadata },
    tags: [...tags],
    recordedAt: recordedAt.toISOString(),
  }
}

function parsed(workflow: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw eventsErrors.WORKFLOW_INVALID({ workflow, reason: 'the value of the signal is not JSON' })
  }
}

function expectedOf(text: string): ExpectedVersion {
  return text === 'any' || text === 'none' || text === 'exists' ? text : Number(text)
}

/** What an operator should read; anything else is thrown, and is nobody's to see. */
function reasonOf(error: unknown, codes: string): string {
  if (isError(error) && error.code.startsWith(codes)) return error.message
  throw error
}
