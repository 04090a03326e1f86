import { defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

export const Greetings = defineContract('greetings', '1.0.0', {
  greet: query(
    {
      summary: 'A greeting for one person',
      input: z.object({ name: z.string().min(1) }),
      output: z.object({ text: z.string() }),
    },
    http('GET /v1/greetings/{name}'),
  ),
})
