import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createBundle } from '@keelson/services'
import { createMockBundle, mock } from '@keelson/services/testing'
import { describe, expect, it } from 'vitest'
import { Input } from '../services/input.ts'
import { Renderer, renderer } from '../services/renderer.ts'
import { Storage, storage } from '../services/storage.ts'
import { Terminal } from '../services/terminal.ts'
import { keepTasks } from '../task-list.ts'

describe('the task list', () => {
  it('runs on mocks alone, which write every call down', async () => {
    await using bundle = await createMockBundle(
      { input: Input, renderer: Renderer, storage: Storage },
      {
        answers: {
          input: {
            async *lines() {
              yield* [{ line: 'buy rope' }, { line: '' }]
            },
          },
          renderer: { draw: () => {} },
          storage: { read: () => ({ text: 'mend sail' }), write: () => {} },
        },
      },
    )
    await keepTasks(bundle)
    expect(bundle.calls.map(({ service, operation }) => `${service}.${operation}`)).toEqual([
      'storage.read',
      'renderer.draw',
      'storage.write',
      'renderer.draw',
      'input.lines',
    ])
    expect(bundle.calls[3]?.input).toEqual({ title: '2 tasks', items: ['mend sail', 'buy rope'] })
  })

  it('runs on its own services over a terminal that is mocked', async () => {
    const written: string[] = []
    await using bundle = await createBundle(
      {
        terminal: mock(Terminal, {
          size: () => ({ columns: 10, rows: 5 }),
          write: ({ text }) => void written.push(text),
        }),
        input: mock(Input, {
          async *lines() {
            yield { line: 'a task that is too long' }
          },
        }),
        renderer,
        storage,
      },
      { config: { renderer: { bullet: '*' } } },
    )
    await keepTasks(bundle)
    expect(written).toEqual(['0 tasks\n', '1 tasks\n* a task t\n'])
    expect(await bundle.storage.read({ name: 'tasks' })).toEqual({ text: 'a task that is too long' })
    expect([bundle.renderer.name, bundle.renderer.status, bundle.renderer.config]).toEqual([
      'renderer',
      'running',
      { bullet: '*' },
    ])
    expect(await bundle.renderer.health()).toMatchObject({ status: 'ok' })
    expect(bundle.renderer.metrics()['draw']).toEqual({ calls: 2, failures: 0 })
    await bundle.renderer.cleanup()
    await expect(bundle.renderer.draw({ title: '', items: [] })).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING' })
    await bundle.renderer.initialize()
    expect(bundle.renderer.status).toBe('running')
  })

  it('runs as a program', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../tasks.ts', import.meta.url))])
    let output = ''
    child.stdout.on('data', (text) => {
      output += text
    })
    child.stdin.end('buy rope\n\n')
    const [code] = await once(child, 'close')
    expect([code, output]).toEqual([0, '0 tasks\n1 tasks\n- buy rope\n'])
  })
})
