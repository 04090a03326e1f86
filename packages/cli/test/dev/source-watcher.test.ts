import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SourceWatcher, watchSources } from '../../src/dev/source-watcher.ts'

let root: string
let watcher: SourceWatcher
let told: (paths: readonly string[]) => void
/** Taken before a change is made; resolves with what the watcher tells next. */
const next = () =>
  new Promise<readonly string[]>((resolve) => {
    told = resolve
  })

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'keelson-watch-')))
  write('a.ts', '1')
  write('data/old.json', '1')
})
afterEach(() => {
  watcher.close()
  rmSync(root, { recursive: true })
})

function start(): void {
  watcher = watchSources(root, (paths) => told(paths))
}

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

describe('watchSources()', () => {
  it('tells files that were changed, made and removed together', async () => {
    start()
    const changes = next()
    write('a.ts', 'longer')
    write('b/c/d.sql', '1')
    rmSync(join(root, 'data/old.json'))
    expect(await changes).toEqual(['a.ts', 'b/c/d.sql', 'data/old.json'])
  })

  it('does not tell a folder that is left out, with what was in it and what comes', async () => {
    start()
    watcher.exclude(join(root, 'data'))
    const changes = next()
    write('data/new.json', '1')
    write('data/deep/new.json', '1')
    write('a.ts', 'longer')
    expect(await changes).toEqual(['a.ts'])
  })

  it('leaves out hidden folders, dependencies, what is built, and files that are no sources', async () => {
    start()
    const changes = next()
    for (const path of ['.git/a.ts', 'node_modules/b/c.js', 'dist/a.js', 'coverage/a.json', 'notes.md', 'app.log'])
      write(path, '1')
    write('a.ts', 'longer')
    expect(await changes).toEqual(['a.ts'])
  })

  it('takes for known what was there when it settled', async () => {
    start()
    write('settled.ts', '1')
    watcher.settle()
    const changes = next()
    utimesSync(join(root, 'a.ts'), new Date(0), new Date(0))
    expect(await changes).toEqual(['a.ts'])
  })

  it('tells nothing once it is closed, and may be closed twice', async () => {
    start()
    watcher.close()
    watcher.close()
    let isTold = false
    told = () => {
      isTold = true
    }
    write('a.ts', 'longer')
    // Another watcher on the same folder hears of a later change: whatever the closed one could tell has come by then.
    const other = watchSources(root, () => heard())
    let heard = () => {}
    const later = new Promise<void>((resolve) => {
      heard = resolve
    })
    write('b.ts', '1')
    await later
    other.close()
    expect(isTold).toBe(false)
  })
})
