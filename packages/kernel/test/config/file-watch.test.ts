/** A configuration file that is not simply written: behind links, in folders that are replaced, on volumes. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loaded } from './sections.ts'

let root: string
const stops: (() => void)[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keelson-config-'))
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
  rmSync(root, { recursive: true, force: true })
})

function write(path: string, port: number): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), JSON.stringify({ listener: { port } }))
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  symlinkSync(target, join(root, path))
}

/** Moves a link to another target in one step, as volumes do. */
function move(path: string, target: string): void {
  link(`${path}-new`, target)
  renameSync(join(root, `${path}-new`), join(root, path))
}

/** Gives a function that waits for the port that the configuration takes up. */
async function watched(path: string) {
  const configuration = await loaded({ file: { path: join(root, path), isRequired: false } })
  stops.push(configuration.watch(() => {}))
  return async (port: number) => {
    await vi.waitFor(() => expect(configuration.get('listener').port).toBe(port), { timeout: 5_000, interval: 5 })
  }
}

describe('a change of a configuration file', () => {
  test('behind a link is taken up, and so is a link that is moved', async () => {
    write('shared/one.json', 1)
    write('other/two.json', 2)
    link('app/keelson.json', '../shared/one.json')
    const becomes = await watched('app/keelson.json')
    await becomes(1)
    write('shared/one.json', 3)
    await becomes(3)
    move('app/keelson.json', '../other/two.json')
    await becomes(2)
    write('other/two.json', 4)
    await becomes(4)
  })

  test('behind a chain of links, in folders that are links themselves, is taken up', async () => {
    write('real/deep/keelson.json', 1)
    link('volumes/current', '../real')
    link('app/config', '../volumes/current/deep')
    const becomes = await watched('app/config/keelson.json')
    await becomes(1)
    write('real/deep/keelson.json', 2)
    await becomes(2)
    write('next/deep/keelson.json', 3)
    move('volumes/current', '../next')
    await becomes(3)
    write('next/deep/keelson.json', 4)
    await becomes(4)
  })

  test('on a mounted volume is taken up each time its data is exchanged', async () => {
    write('mount/..2026_1/keelson.json', 1)
    link('mount/..data', '..2026_1')
    link('mount/keelson.json', '..data/keelson.json')
    const becomes = await watched('mount/keelson.json')
    await becomes(1)
    for (const turn of [2, 3]) {
      write(`mount/..2026_${turn}/keelson.json`, turn)
      move('mount/..data', `..2026_${turn}`)
      rmSync(join(root, `mount/..2026_${turn - 1}`), { recursive: true })
      await becomes(turn)
    }
  })

  test('in a folder that is deleted and made again is taken up', async () => {
    write('app/config/keelson.json', 1)
    const becomes = await watched('app/config/keelson.json')
    await becomes(1)
    rmSync(join(root, 'app'), { recursive: true })
    await becomes(4000)
    write('app/config/keelson.json', 2)
    await becomes(2)
    write('next/keelson.json', 3)
    rmSync(join(root, 'app/config'), { recursive: true })
    renameSync(join(root, 'next'), join(root, 'app/config'))
    await becomes(3)
    write('app/config/keelson.json', 5)
    await becomes(5)
  })

  test('is taken up when it comes into a folder that was not there, and when another file is put in its place', async () => {
    const becomes = await watched('later/config/keelson.json')
    await becomes(4000)
    write('later/config/keelson.json', 1)
    await becomes(1)
    write('later/config/new.json', 2)
    renameSync(join(root, 'later/config/new.json'), join(root, 'later/config/keelson.json'))
    await becomes(2)
  })

  test('is taken up where a link led nowhere or in a circle', async () => {
    link('app/keelson.json', '../shared/none.json')
    const becomes = await watched('app/keelson.json')
    await becomes(4000)
    write('shared/none.json', 1)
    await becomes(1)
    unlinkSync(join(root, 'app/keelson.json'))
    link('app/keelson.json', 'keelson.json')
    link('app/unused', 'keelson.json')
    write('shared/none.json', 2)
    move('app/keelson.json', '../shared/none.json')
    await becomes(2)
  })
})
