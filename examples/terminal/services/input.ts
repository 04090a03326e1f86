/** The keyboard, line by line. */
import { createInterface } from 'node:readline'
import { defineContract, subscription } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import * as z from 'zod'

export const Input = defineContract('input', '1.0.0', {
  lines: subscription({ output: z.object({ line: z.string() }) }),
})

export const input = defineService(Input, {
  start: ({ lifetime }) => {
    const reader = lifetime.own(createInterface({ input: process.stdin }))
    return {
      async *lines() {
        for await (const line of reader) yield { line }
      },
    }
  },
})
