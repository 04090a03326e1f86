import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const here = join(import.meta.dirname, '..')
let data: string

beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'keelson-orders-'))
})
afterAll(() => rmSync(data, { recursive: true, force: true }))

async function keelson(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [join(root, 'packages/cli/src/keelson.ts'), ...words, '--data', data]
  const environment = { ...process.env }
  delete environment['DATABASE_URL']
  // The lines it runs are counted in this process; those of a program without the test runner's transform lie elsewhere.
  environment['NODE_V8_COVERAGE'] = ''
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: here, env: environment }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const placed = '{"customer":"ada","total":30}'
const id = '0190d0e2-0000-7000-8000-000000000001'

describe('keelson events, keelson projections, keelson workflows', () => {
  it('append, read, list, verify and rebuild on the log of the system', async () => {
    const append = ['events', 'append', 'order-1', 'OrderPlaced', placed, '--expected', 'none', '--id', id]
    expect(await keelson(...append)).toMatchObject({ code: 0, stdout: 'version 1 of order-1, position 1\n' })
    expect(await keelson(...append)).toMatchObject({ stdout: 'was there already: version 1 of order-1, position 1\n' })
    const conflict = await keelson('events', 'append', 'order-1', 'OrderPaid', '{"amount":1}', '--expected', '7')
    expect(conflict).toMatchObject({ code: 1, stderr: expect.stringContaining('expected version 7, found version 1') })
    await keelson('events', 'append', 'order-1', 'OrderPaid', '{"amount":10}')
    const read = await keelson('events', 'read', 'order-1', '--after', '1', '--json')
    expect(JSON.parse(read.stdout)).toMatchObject({ position: 2, stream: 'order-1', version: 2, data: { amount: 10 } })
    expect((await keelson('events', 'replay', '--rate', '1000')).stdout.split('\n')).toHaveLength(3)
    expect((await keelson('events', 'streams')).stdout).toBe('       2  order-1\n')
    const verified = expect.stringMatching(/^2 events are as they were appended\n/)
    expect(await keelson('events', 'verify')).toMatchObject({ code: 0, stdout: verified })
    expect((await keelson('projections', 'rebuild', 'order_list')).stdout).toBe('rebuilt, at position 2\n')
    expect((await keelson('projections')).stdout).toMatch(/^order_list {2}version 1, live, at 2, 0 behind\n$/)
    expect((await keelson('projections', 'parked', 'order_list')).stdout).toBe('nothing is parked\n')
    expect((await keelson('workflows')).stdout).toBe('no instances\n')
    expect((await keelson('workflows', 'check')).stdout).toBe('0 runs fit the code\n')
    const signal = await keelson('workflows', 'signal', 'payment-term', 'order-9', 'extension', '{"days":3}')
    expect(signal).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no "order-9"') })
  })
})
