/** `keelson metrics`, `trace` and `logs` against a system in a process of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'vitest'

const command = join(import.meta.dirname, '../../src/keelson.ts')
const fixture = join(import.meta.dirname, '../fixture')
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

let data: string
const running: ChildProcess[] = []
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'keelson-cli-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(data, { recursive: true, force: true })
})

function launch(...parameters: string[]) {
  const child = spawn(process.execPath, [command, ...parameters, '--data', data], {
    cwd: fixture,
    env: { ...process.env, NO_COLOR: '1', KEELSON_TELEMETRY_LEVELS: '{"*":"debug"}' },
  })
  running.push(child)
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  return { child, output, ended: once(child, 'close').then(([code]) => ({ code, ...output })) }
}
const keelson = (...parameters: string[]) => launch(...parameters).ended

async function start(): Promise<string> {
  const run = launch('start', '--json', '--port', '0')
  await Promise.race([once(run.child.stdout, 'data'), run.ended])
  return JSON.parse(run.output.stdout.split('\n')[0] ?? '').url
}

describe('keelson metrics, trace and logs', () => {
  test('show what a running system has measured', async () => {
    const url = await start()
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
    assert.equal((await fetch(`${url}/v1/words?text=a`, { headers: { traceparent } })).status, 200)

    const text = await keelson('metrics')
    assert.match(text.stdout, /^keelson_operation_duration_seconds_count\{service="words",operation="repeat",.*\} 1$/m)
    assert.ok(Array.isArray(JSON.parse((await keelson('metrics', '--format', 'json')).stdout)))
    assert.match((await keelson('metrics', '--format', 'csv')).stdout, /^name,type,unit,labels,field,value\r\n/)

    const one = await keelson('trace', traceId)
    assert.match(one.stdout, /GET \/v1\/words {2}server/)
    assert.equal((await keelson('metrics', '--trace-id', traceId)).stdout, one.stdout)
    assert.match((await keelson('trace')).stdout, new RegExp(`^${traceId} .* GET /v1/words {2}2 spans`, 'm'))
    const { spans } = JSON.parse((await keelson('trace', traceId, '--json')).stdout)
    assert.deepEqual(spans.map((span: { name: string; traceId: string }) => [span.name, span.traceId]).toSorted(), [
      ['GET /v1/words', traceId],
      ['words.repeat', traceId],
    ])
  })

  test('say what they cannot do', async () => {
    assert.equal((await keelson('metrics')).code, 3)
    await start()
    const unknown = await keelson('trace', 'f'.repeat(32))
    assert.deepEqual([unknown.code, /TRACE_UNKNOWN/.test(unknown.stderr)], [1, true])
    assert.equal((await keelson('metrics', '--format', 'xml')).code, 2)
    assert.equal((await keelson('trace', '--slow', 'very')).code, 2)
  })

  test('follow the log until they are told to stop', async () => {
    const url = await start()
    const key = readFileSync(join(data, 'run.key'), 'utf8').trim()
    const logs = launch('logs', '--follow', '--json')
    // The first line comes only once something is logged after the command is connected.
    while (logs.output.stdout === '') {
      await fetch(`${url}/rpc/words.fail`, { method: 'POST', headers: { 'x-keelson-key': key } })
      await new Promise((resolve) => setImmediate(resolve))
    }
    const record = JSON.parse(logs.output.stdout.split('\n')[0] ?? '')
    assert.deepEqual([record.level, record.message], ['error', 'A request failed'])
    assert.match(record.fields.traceId, /^[0-9a-f]{32}$/)
    logs.child.kill('SIGINT')
    assert.equal((await logs.ended).code, 0)
    assert.match((await keelson('logs')).stdout, /ERROR A request failed/)
  })
})
