/** A list of tasks: each line typed becomes one. Run with `npm start`; an empty line ends it. */
import { createBundle } from '@keelson/services'
import { input } from './services/input.ts'
import { renderer } from './services/renderer.ts'
import { storage } from './services/storage.ts'
import { terminal } from './services/terminal.ts'
import { keepTasks } from './task-list.ts'

await using bundle = await createBundle({ terminal, input, renderer, storage })
await keepTasks(bundle)
