/** A process that opens the data folder it is given and commits numbered rows until it is killed; it prints each number once committed. */
import { openPgliteDatabase } from '../src/index.ts'

const database = await openPgliteDatabase({ folder: process.argv[2] ?? '' })
await database.query('create table if not exists kept (value int)')
for (let value = 1; ; value++) {
  await database.query('insert into kept values ($1)', [value])
  process.stdout.write(`${value}\n`)
}
