/**
 * How long a process takes from its birth to "ready", and its memory then: an empty Node, Fastify's hello world, and a system of 100
 * services with routes, validation, health and metrics, on packed and installed packages, each with a warm compile cache. Then how long
 * the system takes to answer a health check.
 */
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'
import { pack } from '../../tools/pack.ts'

const here = dirname(fileURLToPath(import.meta.url))
const subjects = ['empty', 'fastify-hello', 'keelson-100'] as const
const rounds = 11

interface Ready {
  readonly readyMs: number
  readonly rssBytes: number
  readonly url: string
}

export async function run(): Promise<BenchmarkResult> {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-startup-'))
  try {
    install(folder)
    const starts = new Map<string, Ready[]>(subjects.map((subject) => [subject, []]))
    const healthMs: number[] = []
    for (let round = -2; round < rounds; round++) {
      for (const subject of subjects) {
        const ready = await start(folder, subject, subject === 'keelson-100' && round >= 0 ? healthMs : [])
        if (round >= 0) starts.get(subject)?.push(ready)
      }
    }
    const readyMs = (subject: string) => median((starts.get(subject) ?? []).map((one) => one.readyMs))
    const megabytes = (subject: string) => median((starts.get(subject) ?? []).map((one) => one.rssBytes)) / 2 ** 20
    const overEmpty = megabytes('keelson-100') - megabytes('empty')
    const health = median(healthMs)
    return {
      rows: [
        ...subjects.flatMap((subject) => [
          { subject, metric: 'birth to ready', value: readyMs(subject), unit: 'ms' },
          { subject, metric: 'resident memory', value: megabytes(subject), unit: 'MiB' },
        ]),
        { subject: 'keelson-100', metric: 'health answer', value: health, unit: 'ms' },
      ],
      targets: [
        {
          name: '100 services ready, below',
          value: readyMs('keelson-100'),
          bound: 500,
          unit: 'ms',
          reached: readyMs('keelson-100') < 500,
        },
        { name: 'memory over an empty Node, below', value: overEmpty, bound: 50, unit: 'MiB', reached: overEmpty < 50 },
        { name: 'health answer, below', value: health, bound: 10, unit: 'ms', reached: health < 10 },
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Our packages as a user installs them, Fastify beside them. */
function install(folder: string): void {
  const tarballs = pack(join(here, '../..'), join(folder, 'tarballs'), [
    '@keelson/kernel',
    '@keelson/resilience',
    '@keelson/telemetry',
    '@keelson/services',
  ])
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Cannot install the packed packages: ${stderr}`)
  for (const subject of subjects) cpSync(join(here, `${subject}.js`), join(folder, `${subject}.js`))
  // Fastify runs from this benchmark's own install, where its dependencies are.
  const peers = join(folder, 'peers')
  mkdirSync(peers)
  cpSync(join(here, 'fastify-hello.js'), join(peers, 'fastify-hello.js'))
  writeFileSync(join(peers, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  symlinkSync(join(here, 'node_modules'), join(peers, 'node_modules'))
}

async function start(folder: string, subject: string, healthMs: number[]): Promise<Ready> {
  const script = join(folder, subject === 'fastify-hello' ? 'peers' : '.', `${subject}.js`)
  const child = fork(script, {
    execArgv: [],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
  })
  const [ready] = (await once(child, 'message')) as [Ready]
  for (let request = 0; ready.url && request < 20; request++) {
    const before = performance.now()
    await (await fetch(`${ready.url}/health/live`)).text()
    if (request >= 5) healthMs.push(performance.now() - before)
  }
  const exited = once(child, 'exit')
  child.send('stop')
  await exited
  return ready
}
