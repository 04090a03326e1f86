/**
 * A process that makes the vectors of the passages in a database and kills itself while it does; arguments as those of `indexing-child`.
 * It says of how many documents it found the vectors stored when it began.
 */
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { openPgliteDatabase } from '@keelson/pglite'
import { mortalDatabase } from './mortal-database.ts'
import { documentsWithVectors, openTestVectors } from './test-vectors.ts'

const [dataFolder = '', messages = '', delayMs = ''] = argv.slice(2)
const database = await openPgliteDatabase({ folder: join(dataFolder, 'database') })
stdout.write(`${await documentsWithVectors(database)}\n`)
const vectors = await openTestVectors(mortalDatabase(database, Number(messages), Number(delayMs)), dataFolder)
await vectors.whole()
await vectors.close()
await database.close()
