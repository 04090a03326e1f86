/** The program itself. It knows facades only, so that a test hands it mocks. */
import type { Bundle } from '@keelson/services'
import type { Input } from './services/input.ts'
import type { Renderer } from './services/renderer.ts'
import type { Storage } from './services/storage.ts'

type Facades = Pick<
  Bundle<{ input: typeof Input; renderer: typeof Renderer; storage: typeof Storage }>,
  'input' | 'renderer' | 'storage'
>

/** Adds each line to the stored tasks and draws them, until an empty line. */
export async function keepTasks({ input, renderer, storage }: Facades): Promise<void> {
  const stored = await storage.read({ name: 'tasks' })
  const tasks = stored.text === null ? [] : stored.text.split('\n')
  await renderer.draw({ title: `${tasks.length} tasks`, items: tasks })
  for await (const { line } of input.lines()) {
    if (line === '') return
    tasks.push(line)
    await storage.write({ name: 'tasks', text: tasks.join('\n') })
    await renderer.draw({ title: `${tasks.length} tasks`, items: tasks })
  }
}
