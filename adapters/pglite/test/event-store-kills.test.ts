import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { follow, openEventStore, type RecordedEvent } from '@keelson/events'
import { afterAll, describe, expect, test } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'keelson-pglite-kills-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('openEventStore() on a PGlite folder', () => {
  test('has every append that was acknowledged, once and in order, when its process is killed in the middle of writes', async () => {
    const acknowledged: string[] = []
    const rounds = 4
    for (let round = 0; round < rounds; round++)
      acknowledged.push(...(await linesUntilKilled(String(round), 60 + 90 * round)).map((line) => `${round} ${line}`))
    const database = await openPgliteDatabase({ folder })
    const store = await openEventStore({ database })
    const log: RecordedEvent[] = []
    const versions = new Map<string, number>()
    for await (const event of follow(store)) {
      expect(event.position).toBe(log.length + 1)
      expect(event.version).toBe((versions.get(event.stream) ?? 0) + 1)
      versions.set(event.stream, event.version)
      log.push(event)
    }
    for (const line of acknowledged) {
      const [round = '', stream, version, position, turn] = line.split(' ')
      expect(log[Number(position) - 1]).toMatchObject({
        stream,
        version: Number(version),
        data: { round, turn: Number(turn) },
      })
    }
    // Each append is whole, and at most one per writer was not acknowledged any more when its process was killed.
    const appends = new Map<string, number>()
    for (const { stream, data } of log) {
      const key = `${stream} ${JSON.stringify(data)}`
      appends.set(key, (appends.get(key) ?? 0) + 1)
    }
    for (const [key, count] of appends) expect(count).toBe(1 + (Number(/"turn":(\d+)/.exec(key)?.[1]) % 3))
    expect(appends.size - acknowledged.length).toBeLessThanOrEqual(8 * rounds)
    expect(new Set(log.map(({ id }) => id)).size).toBe(log.length)
    for await (const _ of store.verify()) {
      // It throws when something is wrong.
    }
    expect((await store.append('after', [{ type: 'After' }])).position).toBe(log.length + 1)
    expect((await store.head()).epoch).toBe(1)
    await store.close()
    await database.close()
  })
})

/** Complete lines that a process printed until it was killed, which is soon after the first `count`. */
async function linesUntilKilled(round: string, count: number): Promise<string[]> {
  const program = fileURLToPath(new URL('./append-until-killed.ts', import.meta.url))
  const child = spawn(process.execPath, [program, folder, round], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length >= count) child.kill('SIGKILL')
  }
  return lines.filter((line) => line.split(' ').length === 4)
}
