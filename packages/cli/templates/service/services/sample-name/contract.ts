import { defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

export const SampleName = defineContract('sample-name', '1.0.0', {
  describe: query(
    { summary: 'What this service is for', output: z.object({ text: z.string() }) },
    http('GET /v1/sample-name'),
  ),
})
