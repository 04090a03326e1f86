/** `keelson dev` on a project in a temporary folder: what it does between one change and the next. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = dirname(dirname(dirname(import.meta.dirname)))
const command = join(root, 'packages/cli/src/keelson.ts')

let project: string
const running: ChildProcess[] = []
beforeEach(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'keelson-dev-')))
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'), 'junction')
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'keelson.config.ts'), configText)
  writeAnswer(`'one'`)
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(project, { recursive: true, force: true, maxRetries: 5 })
})

/** A service that answers with what `answer.ts` exports, and counts its starts in the data folder. */
const configText = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineContract, query } from '@keelson/kernel'
import { defineService, defineSystem } from '@keelson/services'
import * as z from 'zod'
import { answer } from './answer.ts'
const Asked = defineContract('asked', '1.0.0', {
  ask: query({ output: z.object({ answer: z.string(), starts: z.int() }) }),
  fail: query({}),
})
const asked = defineService(Asked, {
  start({ system }) {
    const file = join(system.dataFolder ?? '', 'starts.json')
    const starts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) + 1 : 1
    writeFileSync(file, JSON.stringify(starts))
    return { ask: () => ({ answer, starts }), fail: () => { throw new TypeError('no luck') } }
  },
})
export default defineSystem({
  name: 'trial',
  services: [asked],
  config: { listener: { port: 0 }, system: { data: 'kept' } },
})
`

function writeAnswer(expression: string): void {
  writeFileSync(join(project, 'answer.ts'), `export const answer: string = ${expression}\n`)
}

interface Announced {
  readonly url: string
  readonly processId: number
}

function dev(...parameters: string[]) {
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(process.execPath, [command, 'dev', '--json', ...parameters], { cwd: project, env })
  running.push(child)
  const output = { stdout: '', stderr: '' }
  const readers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const read of [...readers]) read()
    })
  /** Resolves with the first match in the output, as soon as there is one. */
  function says(name: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      const read = () => {
        const found = pattern.exec(output[name])
        if (!found) return
        readers.delete(read)
        resolve(found)
      }
      readers.add(read)
      read()
    })
  }
  let runs = 0
  /** The announcement of the next run. */
  async function nextRun(): Promise<Announced> {
    runs += 1
    await says('stdout', new RegExp(`^(.*\\n){${runs}}`))
    return JSON.parse(output.stdout.split('\n')[runs - 1] ?? '')
  }
  return { child, output, says, nextRun, ended: once(child, 'close').then(([code]) => code as number | null) }
}

async function call(run: Announced, operation: string): Promise<unknown> {
  const client = spawn(process.execPath, [command, 'call', operation, '--url', run.url, '--json'], { cwd: project })
  let text = ''
  client.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(client, 'close')
  return text === '' ? undefined : JSON.parse(text)
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

describe('keelson dev', () => {
  it('runs the system, starts it again on a change, keeps its data, and ends cleanly on SIGTERM', async () => {
    const { child, nextRun, ended } = dev()
    const first = await nextRun()
    expect(await call(first, 'asked.ask')).toEqual({ answer: 'one', starts: 1 })
    writeAnswer(`'two'`)
    const second = await nextRun()
    expect(await call(second, 'asked.ask')).toEqual({ answer: 'two', starts: 2 })
    expect(isAlive(first.processId)).toBe(false)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(isAlive(second.processId)).toBe(false)
    expect(existsSync(join(project, 'kept/run.json'))).toBe(false)
  })

  it('says where a syntax error is and waits for the change that mends it', async () => {
    writeAnswer('= 1')
    const { child, says, output, nextRun, ended } = dev()
    await says('stderr', /SYSTEM_UNREADABLE/)
    expect(JSON.parse(output.stderr.split('\n')[0] ?? '')).toMatchObject({ error: { place: 'answer.ts:1' } })
    writeAnswer(`'mended'`)
    expect(await call(await nextRun(), 'asked.ask')).toMatchObject({ answer: 'mended' })
    child.kill('SIGINT')
    expect(await ended).toBe(0)
  })

  it('prints failures with frames of the user only', async () => {
    const { says, output, nextRun } = dev()
    await call(await nextRun(), 'asked.fail')
    await says('stderr', /no luck[\s\S]*at .*keelson\.config\.ts:\d+:\d+\)\n/)
    expect(output.stderr).not.toMatch(/node:internal|node_modules|packages\/services/)
  })

  it('sees new folders, and leaves hidden ones, node_modules and the data alone', async () => {
    const { nextRun } = dev()
    await nextRun()
    for (const folder of ['.git', 'dist', 'kept/deep']) mkdirSync(join(project, folder), { recursive: true })
    for (const file of ['.git/a.json', 'dist/a.ts', 'kept/deep/a.json', 'notes.md'])
      writeFileSync(join(project, file), '1')
    mkdirSync(join(project, 'services/deep'), { recursive: true })
    writeFileSync(join(project, 'services/deep/a.ts'), '')
    const second = await nextRun()
    expect(await call(second, 'asked.ask')).toMatchObject({ starts: 2 })
    writeFileSync(join(project, 'services/deep/a.ts'), 'export const a = 1')
    expect(await call(await nextRun(), 'asked.ask')).toMatchObject({ starts: 3 })
  })

  it('ends cleanly on a Ctrl-C that reaches its child as well', async () => {
    const { child, nextRun, ended } = dev()
    const { processId } = await nextRun()
    process.kill(processId, 'SIGINT')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(isAlive(processId)).toBe(false)
  })

  it('ends its child when it is killed', async () => {
    const { child, nextRun } = dev()
    const { processId } = await nextRun()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect.poll(() => isAlive(processId), { timeout: 60_000 }).toBe(false)
  })

  it('lets a debugger attach', async () => {
    const { says } = dev('--inspect=127.0.0.1:0')
    await says('stderr', /Debugger listening on ws:\/\/127\.0\.0\.1:/)
  })

  it('leaves nothing behind after 50 reloads', async () => {
    const { child, nextRun } = dev()
    const descriptors = () => (existsSync('/proc/self/fd') ? readdirSync(`/proc/${child.pid}/fd`).length : 0)
    let run = await nextRun()
    const processes = [run.processId]
    let early = 0
    for (let reload = 1; reload <= 50; reload += 1) {
      writeAnswer(`'${reload}'`)
      run = await nextRun()
      processes.push(run.processId)
      if (reload === 5) early = descriptors()
    }
    expect(await call(run, 'asked.ask')).toEqual({ answer: '50', starts: 51 })
    expect(processes.filter(isAlive)).toEqual([run.processId])
    expect(descriptors()).toBeLessThanOrEqual(early)
    const registered = await (await fetch(`${run.url}/system`)).json()
    expect(registered).toMatchObject({ services: [{ name: 'asked' }] })
    expect(JSON.parse(readFileSync(join(project, 'kept/starts.json'), 'utf8'))).toBe(51)
  }, 300_000)

  it('needs a system', async () => {
    rmSync(join(project, 'keelson.config.ts'))
    const { ended, output } = dev()
    expect([await ended, JSON.parse(output.stderr).error.code]).toEqual([2, 'SYSTEM_NOT_FOUND'])
  })
})
