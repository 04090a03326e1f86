/** Draws a list as wide as the terminal allows. */
import { command, defineContract } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import * as z from 'zod'
import { Terminal } from './terminal.ts'

export const Renderer = defineContract('renderer', '1.0.0', {
  draw: command({ input: z.object({ title: z.string(), items: z.array(z.string()) }) }),
})

export const renderer = defineService(Renderer, {
  uses: { terminal: Terminal },
  config: z.object({ bullet: z.string().default('-') }),
  start: ({ terminal, config }) => ({
    async draw({ title, items }) {
      const { columns } = await terminal.size()
      const lines = [title, ...items.map((item) => `${config.bullet} ${item}`)].map((line) => line.slice(0, columns))
      await terminal.write({ text: `${lines.join('\n')}\n` })
    },
  }),
})
