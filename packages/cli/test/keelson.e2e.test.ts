/** The command as a process, as people and scripts use it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
const command = join(here, '../src/keelson.ts')
const fixture = join(here, 'fixture')

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

function launch(parameters: string[], cwd = fixture, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [command, ...parameters, '--data', data], {
    cwd,
    env: { ...process.env, ...env, NO_COLOR: '1' },
  })
  running.push(child)
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  return { child, output, ended: once(child, 'close').then(([code]) => ({ code, ...output })) }
}
const keelson = (...parameters: string[]) => launch(parameters).ended

/** Starts the fixture and resolves when it says where it listens. */
async function start(...parameters: string[]) {
  const run = launch(['start', '--json', ...parameters])
  await Promise.race([once(run.child.stdout, 'data'), run.ended])
  const line = run.output.stdout.split('\n')[0] ?? ''
  return { ...run, url: JSON.parse(line).url as string }
}

describe('keelson, with no system running', () => {
  it('prints the items of a subscription as they come, or a bar, and finds a command under another', async () => {
    expect(await keelson('spell', 'abc')).toEqual({ code: 0, stdout: 'letter a\nletter b\nletter c\n', stderr: '' })
    expect(await keelson('spell', 'ab', '--json')).toMatchObject({ stdout: '{"letter":"a"}\n{"letter":"b"}\n' })
    expect(await keelson('spell', 'backwards', 'abc')).toEqual({
      code: 0,
      stdout: '3 letters\n',
      stderr: '3/3  letters\n',
    })
    expect(await keelson('spell', 'backwards', 'abcd')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('too long'),
    })
  })

  it('runs an operation in this process, with words joined, options typed, and its text', async () => {
    expect(await keelson('repeat', 'a', 'b', '--times', '2', '--mood', 'loud', '--reversed')).toEqual({
      code: 0,
      stdout: 'says: B A B A\n',
      stderr: '',
    })
    expect(await keelson('repeat', 'a', '--json')).toEqual({ code: 0, stdout: '{"text":"a"}\n', stderr: '' })
    expect(existsSync(join(data, 'run.json'))).toBe(false)
  })

  it('explains how a call runs, with the origin of each setting', async () => {
    const explained = await launch(['explain', 'words.repeat'], fixture, {
      KEELSON_POLICIES: JSON.stringify({ services: { words: { retry: { attempts: 2 } } } }),
    }).ended
    expect(explained).toMatchObject({ code: 0, stderr: '' })
    expect(explained.stdout.replace(/ +/g, ' ')).toBe(
      [
        'words.repeat',
        ' deadline 30s contract',
        ' retry attempts 2 policies.services.words.retry.attempts',
        ' initial 50ms default',
        ' longest 2s default',
        ' budget 0.1 default',
        ' the implementation',
        '',
      ].join('\n'),
    )
    expect(await keelson('explain', 'words.nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('OPERATION_UNKNOWN'),
    })
    expect(await keelson('explain', 'words')).toMatchObject({ code: 2 })
  })

  it('calls an operation by name and streams a subscription', async () => {
    expect(await keelson('call', 'words.repeat', '--input', '{"text":"x","times":2}')).toMatchObject({
      code: 0,
      stdout: '{\n  "text": "x x"\n}\n',
    })
    const { stdout } = await keelson('call', 'words.working', '--input', '{"folder":"f"}')
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).done),
    ).toEqual([1, 2, 3])
  })

  it('gives commands to the first major version of a contract, and calls the later one by its own name', async () => {
    const config = ['--config', join(fixture, 'versions.config.ts')]
    expect(await keelson('look', ...config)).toEqual({ code: 0, stdout: 'sees 1.0.0\n', stderr: '' })
    expect(await keelson('call', 'view-v2.look', '--json', ...config)).toMatchObject({
      code: 0,
      stdout: '{"seen":"2.0.0"}\n',
    })
    const { code, stderr } = await keelson('call', 'view-v3.look', ...config)
    expect([code, stderr]).toEqual([1, expect.stringContaining('this system has view, view-v2')])
  })

  it('follows work to its end, with paths made absolute, and fails when it failed', async () => {
    const good = await keelson('work', 'here')
    expect(good).toMatchObject({
      code: 0,
      stdout: `worked on ${join(fixture, 'here')}\n`,
      stderr: '3/3  steps\n',
    })
    expect(await keelson('work', 'broken')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('the tool broke (COMMAND_FAILED)'),
    })
  })

  it.each([
    [['services'], 3, 'SYSTEM_NOT_RUNNING'],
    [['health', '--all'], 3, 'SYSTEM_NOT_RUNNING'],
    [['services', '--url', 'http://127.0.0.1:9'], 3, 'SYSTEM_NOT_RUNNING'],
    [['repeat', 'a', '--url', 'http://127.0.0.1:9'], 3, 'SYSTEM_NOT_RUNNING'],
    [['services', '--url', 'nowhere'], 2, 'COMMAND_INVALID'],
    [['dance'], 2, 'COMMAND_INVALID'],
    [['repeat'], 2, 'COMMAND_INVALID'],
    [['repeat', 'a', '--colour', 'red'], 2, 'COMMAND_INVALID'],
    [['repeat', 'a', '--times', 'many'], 2, 'OPERATION_INPUT_INVALID'],
    [['repeat', 'a', '--mood', 'sad'], 2, 'OPERATION_INPUT_INVALID'],
    [['call', 'words'], 2, 'COMMAND_INVALID'],
    [['call', 'words.repeat', '--input', '{'], 2, 'COMMAND_INVALID'],
    [['call', 'words.repeat', '--input', '{"text":"a","tmies":2}'], 2, 'OPERATION_INPUT_INVALID'],
    [['call', 'words.sing'], 1, 'OPERATION_UNKNOWN'],
    [['call', 'nobody.sing'], 1, 'SERVICE_UNKNOWN'],
    [['repeat', 'a', '--config', 'nothing.ts'], 2, 'SYSTEM_UNREADABLE'],
  ])('%j exits with %i and %s', async (parameters, code, name) => {
    const plain = await keelson(...parameters)
    expect(plain).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(`(${name})`) })
    expect(plain.stderr).not.toMatch(/\n {4}at /)
  })

  it('prints errors as JSON with --json', async () => {
    const { code, stdout, stderr } = await keelson('services', '--json')
    expect([code, stdout, JSON.parse(stderr).error.code]).toEqual([3, '', 'SYSTEM_NOT_RUNNING'])
  })

  it('shows with each command the options that every command takes', async () => {
    for (const command of ['start', 'call', 'repeat']) {
      const { code, stdout } = await keelson(command, '--help')
      expect([code, stdout]).toEqual([0, expect.stringMatching(/--data <folder>.*--json/s)])
    }
  })

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(here, '../package.json'), 'utf8'))
    expect(await keelson('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('shows help with the commands of the system, and without any system', async () => {
    const { code, stdout } = await keelson('--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/repeat .*Repeat words/)
    const elsewhere = await launch(['--help'], tmpdir()).ended
    expect([elsewhere.code, elsewhere.stdout.includes('repeat')]).toEqual([0, false])
    expect(await launch(['start'], tmpdir()).ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('SYSTEM_NOT_FOUND'),
    })
  })

  it('prints what each part of a system uses', async () => {
    expect(await keelson('services', '--graph')).toEqual({ code: 0, stdout: 'words  service\n', stderr: '' })
    expect(JSON.parse((await keelson('services', '--graph', '--json')).stdout)).toEqual({
      nodes: [{ name: 'words', kind: 'service', version: '1.0.0' }],
      arrows: [],
    })
  })

  it('names what is wrong with a module that is no system', async () => {
    writeFileSync(join(data, 'bad.mjs'), 'export default 1')
    expect(await keelson('services', '--config', join(data, 'bad.mjs'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('SYSTEM_UNREADABLE'),
    })
  })
})

describe('keelson start', () => {
  it('announces itself, is found by other commands, and ends with 0 on SIGTERM', async () => {
    const { child, ended, url } = await start()
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'ok' })
    expect(await keelson('repeat', 'a')).toMatchObject({ code: 0, stdout: 'says: started a\n' })
    expect(await keelson('services')).toMatchObject({ code: 0, stdout: 'words  1.0.0  running\n' })
    expect(await keelson('health')).toMatchObject({ code: 0, stdout: 'system  ok\n  words  ok\n' })
    expect((await keelson('health', 'words')).stdout).toBe('words  ok\n    mood  ok  as configured\n')
    expect(JSON.parse((await keelson('health', '--json')).stdout)).toMatchObject({
      status: 'ok',
      services: { words: { status: 'ok' } },
    })
    const policies = JSON.parse((await keelson('policies', 'words', '--json')).stdout)
    expect(policies.words[0]).toMatchObject({ operation: 'repeat', state: { deadline: { exceeded: 0 } } })
    expect((await keelson('policies')).stdout).toBe('words\n  repeat\n    deadline   exceeded 0\n')
    expect(await keelson('health', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('SERVICE_UNKNOWN'),
    })
    expect(await keelson('work', 'broken')).toMatchObject({ code: 1 })
    expect(await keelson('call', 'words.fail')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/OPERATION_FAILED/),
    })
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/ERROR A request failed .*correlationId=/),
    })
    expect(existsSync(join(data, 'run.json'))).toBe(false)
  })

  it('ends with 0 on Ctrl-C that arrives twice at once', async () => {
    const { child, ended } = await start()
    child.kill('SIGINT')
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 0 })
  })

  it('ends a start in order on a signal', async () => {
    const run = launch(['start', '--config', 'slow.config.ts'], fixture, { SLOW: 'start' })
    await vi.waitUntil(() => existsSync(join(data, 'starting')), 20_000)
    run.child.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ code: 0, stdout: 'Stopping …\n', stderr: '' })
    expect(existsSync(join(data, 'closed'))).toBe(true)
  })

  it('cuts off what does not close when its time is over, or at a second signal, and says what it was', async () => {
    const cutOff = { code: 1, stderr: expect.stringContaining('"slow" was cut off') }
    const budget = launch(['start', '--config', 'slow.config.ts'], fixture, {
      SLOW: 'close',
      KEELSON_SYSTEM_CLOSE_MS: '300',
    })
    await once(budget.child.stdout, 'data')
    budget.child.kill('SIGTERM')
    expect(await budget.ended).toMatchObject(cutOff)
    const signalled = launch(['start', '--config', 'slow.config.ts'], fixture, { SLOW: 'close' })
    await once(signalled.child.stdout, 'data')
    const again = setInterval(() => signalled.child.kill('SIGTERM'), 600)
    expect(await signalled.ended).toMatchObject(cutOff)
    clearInterval(again)
  })

  it('closes in order though nobody reads its output any more', async () => {
    const { child, ended } = launch(['start', '--config', 'slow.config.ts'])
    await once(child.stdout, 'data')
    child.stdout.destroy()
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(join(data, 'closed'))).toBe(true)
  })

  it('exits with 1 from health when a check has failed', async () => {
    await start('--greeting', 'sick')
    expect(await keelson('health')).toMatchObject({ code: 1, stdout: 'system  failed\n  words  failed\n' })
  })

  it('takes options of the system, flags over environment', async () => {
    const run = launch(['start', '--json', '--greeting', 'flag '], fixture, { KEELSON_WORDS_GREETING: 'environment ' })
    await once(run.child.stdout, 'data')
    expect(await keelson('repeat', 'a')).toMatchObject({ stdout: 'says: flag a\n' })
  })

  it('tells people where it runs', async () => {
    const run = launch(['start'])
    await once(run.child.stdout, 'data')
    run.child.kill('SIGTERM')
    const { stdout, code } = await run.ended
    expect([code, stdout]).toEqual([0, expect.stringMatching(/fixture is running at http:\/\/127\.0\.0\.1:\d+\//)])
  })

  it('refuses a taken port and a bad one by name', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await keelson('start', '--port', String(port))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('LISTENER_PORT_TAKEN'),
    })
    server.close()
    expect(await keelson('start', '--port', 'http')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CONFIG_INVALID'),
    })
  })

  it('does not believe the run file of a killed system', async () => {
    const { child } = await start()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')).name).toBe('fixture')
    expect(await keelson('services')).toMatchObject({ code: 3 })
    expect(await keelson('repeat', 'a')).toMatchObject({ code: 0, stdout: 'says: a\n' })
  })
})
