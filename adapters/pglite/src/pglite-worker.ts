/**
 * The worker thread that runs PGlite, which would otherwise keep the program's event loop busy. PGlite is one connection: requests run
 * one after the other, and while a transaction is open only its own statements do; the others wait their turn.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { PGlite } from '@electric-sql/pglite'
import type { QueryResult } from '@keelson/kernel'
import { reasonOf } from '@keelson/kernel'
import { RefusedError, refusalOf } from './refusal.ts'
import { startPglite } from './start-pglite.ts'
import type { WireStatement, WorkerMessage, WorkerStart, WorkRequest } from './worker-messages.ts'

const waiting: WorkRequest[] = []
const inTransaction: WorkRequest[] = []
let openTransaction: number | undefined
let isRunning = false

try {
  // Only `Engine.start` makes this thread, and it gives a WorkerStart.
  const engine = await startPglite(workerData as WorkerStart)
  engine.onNotification((channel, payload) => post({ kind: 'notification', channel, payload }))
  parentPort?.on('message', (request: WorkRequest) => {
    const queue = 'transaction' in request && request.kind !== 'begin' ? inTransaction : waiting
    queue.push(request)
    if (!isRunning) void run(engine)
  })
  post({ kind: 'ready' })
} catch (error) {
  post({ kind: 'failed', reason: reasonOf(error) })
}

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message)
}

/** An error that escapes from here ends the thread: what is waiting is then told that the engine has ended. */
async function run(engine: PGlite): Promise<void> {
  isRunning = true
  for (let request = next(); request; request = next()) {
    post(await answer(engine, request))
    // PGlite's promises settle in microtasks, so that without this no message would arrive before the queue is empty.
    await nextTurn()
  }
  isRunning = false
}

function next(): WorkRequest | undefined {
  return openTransaction === undefined ? waiting.shift() : inTransaction.shift()
}

async function answer(engine: PGlite, request: WorkRequest): Promise<WorkerMessage> {
  try {
    return { kind: 'done', id: request.id, results: await carryOut(engine, request) }
  } catch (error) {
    const refusal = refusalOf(error, parametersOf(request)) ?? (await refusalOfValue(engine, error))
    return { kind: 'refused', id: request.id, refusal }
  }
}

function parametersOf(request: WorkRequest): WireStatement['parameters'] {
  if (request.kind === 'batch') return request.statements.flatMap(({ parameters }) => parameters)
  return 'statement' in request ? request.statement.parameters : []
}

/** PGlite refuses some values itself, without a code. That the engine still answers tells this from a broken engine. */
async function refusalOfValue(engine: PGlite, error: unknown): Promise<{ sqlState: string; reason: string }> {
  await engine.query('select 1').catch(() => {
    throw error
  })
  return { sqlState: '22023', reason: error instanceof Error ? error.message : 'a parameter has no form in SQL' }
}

async function carryOut(engine: PGlite, request: WorkRequest): Promise<QueryResult[]> {
  switch (request.kind) {
    case 'query':
      return [await runAlone(engine, request.statement)]
    case 'batch':
      return runBatch(engine, request.statements)
    case 'begin':
      await engine.query('begin')
      openTransaction = request.transaction
      return []
    case 'statement':
      return [await runInside(engine, request.statement)]
    case 'commit':
      openTransaction = undefined
      await commit(engine)
      return []
    case 'rollback':
      openTransaction = undefined
      await rollback(engine)
      return []
    case 'close':
      await engine.close()
      return []
  }
}

async function runAlone(engine: PGlite, statement: WireStatement): Promise<QueryResult> {
  const result = await runStatement(engine, statement)
  if (!engine.isInTransaction()) return result
  // A transaction that nobody owns would swallow everything that others send.
  await rollback(engine)
  throw new RefusedError('25001', 'a statement by itself cannot begin a transaction: use transaction() or batch()')
}

async function runBatch(engine: PGlite, statements: readonly WireStatement[]): Promise<QueryResult[]> {
  const results: QueryResult[] = []
  await engine.query('begin')
  try {
    for (const statement of statements) results.push(await runInside(engine, statement))
    await commit(engine)
  } catch (error) {
    await rollback(engine)
    throw error
  }
  return results
}

async function runInside(engine: PGlite, statement: WireStatement): Promise<QueryResult> {
  refuseWithoutTransaction(engine)
  const result = await runStatement(engine, statement)
  refuseWithoutTransaction(engine)
  return result
}

async function runStatement(engine: PGlite, { sql, parameters }: WireStatement): Promise<QueryResult> {
  const { rows, affectedRows } = await engine.query<Record<string, unknown>>(sql, [...parameters])
  return { rows, affected: affectedRows ?? 0 }
}

async function commit(engine: PGlite): Promise<void> {
  refuseWithoutTransaction(engine)
  const { command } = await engine.query('commit')
  // PostgreSQL answers the commit of a failed transaction with a rollback, not with an error.
  if (command === 'ROLLBACK')
    throw new RefusedError('25P02', 'the transaction was rolled back, since one of its statements had failed')
}

async function rollback(engine: PGlite): Promise<void> {
  if (engine.isInTransaction()) await engine.query('rollback')
}

function refuseWithoutTransaction(engine: PGlite): void {
  if (!engine.isInTransaction()) {
    throw new RefusedError('2D000', 'one of its statements ended the transaction, which only its owner may do')
  }
}
