/**
 * Follows docs/tutorials/first-system.md word by word, in an empty folder and from packed packages: a block whose fence names a file is
 * written, shell and HTTP blocks are run, and a text block is what the one before it must have said.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Block {
  readonly language: string
  /** What follows the language on the fence. */
  readonly info: string
  readonly text: string
}

const root = dirname(dirname(import.meta.dirname))
const template = join(root, 'packages/cli/templates/system')
const blocks = blocksOf(readFileSync(join(root, 'docs/tutorials/first-system.md'), 'utf8'))

describe('docs/tutorials/first-system.md', () => {
  let work: string
  let folder: string
  let tarballs: string[]
  let port: number
  let background: ChildProcess | undefined

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'keelson-tutorial-'))
    folder = join(work, 'first-system')
    mkdirSync(folder)
    const names = ['@keelson/kernel', '@keelson/resilience', '@keelson/telemetry', '@keelson/services', 'keelson']
    const options = [join(root, 'tools/pack.ts'), '--out', join(work, 'tarballs')]
    // As a process of its own: a build that blocks this thread for long is taken by Vitest for one that hangs.
    const { stdout } = await promisify(execFile)(process.execPath, [...options, ...names])
    tarballs = stdout.trim().split('\n')
    port = await freePort()
  })

  afterAll(async () => {
    if (background?.pid !== undefined && background.exitCode === null) {
      const ended = once(background, 'exit')
      // npx and the command behind it are a group of their own.
      process.kill(-background.pid, 'SIGTERM')
      await ended
    }
    rmSync(work, { recursive: true, maxRetries: 5 })
  })

  test('does what it says', { timeout: 300_000 }, async () => {
    let said = ''
    for (const { language, info, text } of blocks) {
      if (language === 'text') expect(said).toContain(onPort(text.trim()))
      else if (language === 'sh' && info === 'background') said = await startInBackground(text)
      else if (language === 'sh') said = runShell(text)
      else if (language === 'http') said = await request(text)
      else write(info, text)
    }
    const page = await fetch(`http://127.0.0.1:${port}/`)
    expect([page.status, await page.text()]).toEqual([200, readFileSync(join(template, 'page/index.html'), 'utf8')])
  })

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }

  function runShell(script: string): string {
    const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', fromTarballs(script)], {
      cwd: folder,
      env: environment(),
      encoding: 'utf8',
    })
    expect([script, status, status === 0 ? '' : `${stdout}${stderr}`]).toEqual([script, 0, ''])
    return stdout
  }

  async function startInBackground(script: string): Promise<string> {
    const child = spawn('sh', ['-c', `exec ${script.trim()}`], { cwd: folder, env: environment(), detached: true })
    let output = ''
    const spoke = new Promise<void>((resolve) => {
      const read = (bytes: Buffer) => {
        output += bytes
        if (output.includes('is running at')) resolve()
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.once('exit', () => resolve())
    })
    background = child
    await spoke
    return output
  }

  async function request(text: string): Promise<string> {
    const [method = '', url = ''] = onPort(text.trim()).split(' ')
    return await (await fetch(url, { method })).text()
  }

  /** Readers outside get our packages from a registry; here they are the tarballs of this very source. */
  function fromTarballs(script: string): string {
    return script.replace(/^npm install (?!--save-dev).*$/m, (line) => {
      const others = line.split(' ').filter((word) => !/^(@keelson\/.*|keelson)$/.test(word))
      return [...others, ...tarballs].join(' ')
    })
  }

  function onPort(text: string): string {
    return text.replaceAll('127.0.0.1:4000', `127.0.0.1:${port}`)
  }

  function environment(): NodeJS.ProcessEnv {
    // What npm and Vitest tell their own children is not for the project's.
    const own = /^(npm_(lifecycle|package|command|config_local_prefix)|INIT_CWD|NODE_OPTIONS|NODE_ENV|VITEST)/
    return {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name))),
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
      NO_COLOR: '1',
      KEELSON_LISTENER_PORT: String(port),
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
    }
  }
})

describe('the template of keelson new', () => {
  test('has the files of the tutorial, letter by letter', () => {
    const files = new Map(blocks.filter(({ info }) => info.includes('.')).map(({ info, text }) => [info, text]))
    files.delete('package.json')
    for (const [path, text] of files) expect([path, text]).toEqual([path, readFileSync(join(template, path), 'utf8')])
    expect(globSync('**/*.{ts,html}', { cwd: template }).filter((path) => !files.has(path))).toEqual([])
  })
})

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', info = '', text = '']) => ({
      language,
      info,
      text,
    }),
  )
}

/** A port below those that the operating system hands out by itself, so that nobody is given it before it is used. */
async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_000)
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return freePort()
  }
  server.close()
  await once(server, 'close')
  return port
}
