/**
 * A process that indexes a folder and kills itself while it does: arguments are the data folder, the folder, after how many messages to
 * the database, and how many milliseconds of that message's work later. It says how many documents it found stored when it began.
 */
import { join } from 'node:path'
import { argv, pid, stdout } from 'node:process'
import type { Database } from '@keelson/kernel'
import { openPgliteDatabase } from '@keelson/pglite'
import { openDocumentsStore } from '../src/domain/documents-store.ts'
import { openTestService } from './test-service.ts'

const [dataFolder = '', startFolder = '', messages = '', delayMs = ''] = argv.slice(2)
let left = Number(messages)

/** The engine works in another thread, which goes on while this one waits for its end. */
function countdown<T>(sent: T): T {
  left -= 1
  if (left > 0) return sent
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(delayMs))
  process.kill(pid, 'SIGKILL')
  return sent
}

const database = await openPgliteDatabase({ folder: join(dataFolder, 'database') })
const mortal: Database = {
  query: (sql, parameters) => countdown(database.query(sql, parameters)),
  batch: (statements) => countdown(database.batch(statements)),
  transaction: (work) => countdown(database.transaction(work)),
  notify: (channel, payload) => database.notify(channel, payload),
  listen: (channel, heard) => database.listen(channel, heard),
}
const { documents } = await (await openDocumentsStore(database)).count()
stdout.write(`${documents}\n`)
const service = await openTestService(mortal, { startFolder, dataFolder })
await service.latest()
await service.close()
await database.close()
