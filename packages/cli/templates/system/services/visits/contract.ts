import { command, defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

const Visit = z.object({ name: z.string(), times: z.int(), greeting: z.string() })

export const Visits = defineContract('visits', '1.0.0', {
  list: query({ summary: 'Everybody who came', output: z.object({ visits: z.array(Visit) }) }, http('GET /v1/visits')),
  record: command(
    { summary: 'Somebody comes and is greeted', input: z.object({ name: z.string().min(1) }), output: Visit },
    http('POST /v1/visits', { status: 201 }),
  ),
})
