/** `pino()` gives a system the pino log. Where it writes is configuration: a terminal wants it out of the way, a container on stdout. */
import { join } from 'node:path'
import { type Adapter, defineAdapter } from '@keelson/kernel'
import { Log, logLevels } from '@keelson/telemetry'
import * as z from 'zod'
import { createPinoLog } from './pino-log.ts'

const PinoConfig = z.object({
  level: z.enum(logLevels).default('info'),
  to: z
    .enum(['stdout', 'stderr', 'data-folder'])
    .default('stdout')
    .describe('data-folder: log.jsonl in the data folder of the system, or stderr when it has none'),
})

export function pino(): Adapter<Log> {
  return defineAdapter({
    name: 'pino',
    provides: Log,
    config: PinoConfig,
    start: ({ config, system, lifetime }) => {
      const isFile = config.to === 'data-folder' && system.dataFolder !== undefined
      const destination = isFile ? join(system.dataFolder, 'log.jsonl') : config.to === 'stdout' ? 1 : 2
      return lifetime.own(createPinoLog({ level: config.level, destination }))
    },
  })
}
