/** What others may know of the greetings: the NestJS application imports this and nothing else. */
import { defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

export const Greetings = defineContract('greetings', '1.0.0', {
  greet: query(
    { input: z.object({ guest: z.string() }), output: z.object({ text: z.string() }) },
    http('GET /v1/greetings/{guest}'),
  ),
})
