/** The screen: knows how wide it is and writes text to it. */
import { command, defineContract, query } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import * as z from 'zod'

export const Terminal = defineContract('terminal', '1.0.0', {
  size: query({ output: z.object({ columns: z.int(), rows: z.int() }) }),
  write: command({ input: z.object({ text: z.string() }) }),
})

export const terminal = defineService(Terminal, {
  start: ({ health }) => {
    health('screen', () =>
      process.stdout.isTTY ? { status: 'ok' } : { status: 'degraded', message: 'not a terminal' },
    )
    return {
      size: () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }),
      write: ({ text }) => void process.stdout.write(text),
    }
  },
})
