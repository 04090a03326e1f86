/** A process that appends to the event store of a data folder, eight at once, until it is killed; it prints each append once it is acknowledged. */
import { openEventStore } from '@keelson/events'
import { openPgliteDatabase } from '../src/index.ts'

const [folder = '', round = ''] = process.argv.slice(2)
const store = await openEventStore({ database: await openPgliteDatabase({ folder }) })
for (let lane = 0; lane < 8; lane++) void append(`lane-${lane}`)

async function append(stream: string): Promise<never> {
  for (let turn = 0; ; turn++) {
    const events = Array.from({ length: 1 + (turn % 3) }, () => ({ type: 'Written', data: { round, turn } }))
    const { version, position } = await store.append(stream, events)
    process.stdout.write(`${stream} ${version} ${position} ${turn}\n`)
  }
}
