/**
 * A process that indexes a folder and kills itself while it does: arguments are the data folder, after how many messages to the database,
 * how many milliseconds of that message's work later, and the folder. It says how many documents it found stored when it began.
 */
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { openPgliteDatabase } from '@keelson/pglite'
import { openDocumentsStore } from '../src/domain/documents-store.ts'
import { mortalDatabase } from './mortal-database.ts'
import { openTestService } from './test-service.ts'

const [dataFolder = '', messages = '', delayMs = '', startFolder = ''] = argv.slice(2)
const database = await openPgliteDatabase({ folder: join(dataFolder, 'database') })
const { documents } = await (await openDocumentsStore(database)).count()
stdout.write(`${documents}\n`)
const mortal = mortalDatabase(database, Number(messages), Number(delayMs))
const service = await openTestService(mortal, { startFolder, dataFolder })
await service.latest()
await service.close()
await database.close()
