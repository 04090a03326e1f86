/** Keeps texts under names, in memory. */
import { command, defineContract, query } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import * as z from 'zod'

export const Storage = defineContract('storage', '1.0.0', {
  read: query({ input: z.object({ name: z.string() }), output: z.object({ text: z.string().nullable() }) }),
  write: command({ input: z.object({ name: z.string(), text: z.string() }) }),
})

export const storage = defineService(Storage, {
  start: () => {
    const texts = new Map<string, string>()
    return {
      read: ({ name }) => ({ text: texts.get(name) ?? null }),
      write: ({ name, text }) => void texts.set(name, text),
    }
  },
})
