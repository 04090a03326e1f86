/** One contract in two major versions, for the tests of what stands side by side. */
import { defineContract, query } from '@keelson/kernel'
import * as z from 'zod'
import { http } from '../src/rest/http.ts'
import { defineService } from '../src/service/service.ts'

const Mark = z.object({ mark: z.string().default('-') })
const ById = z.object({ id: z.string() })

export const NotesV1 = defineContract('notes', '1.4.0', {
  get: query({ input: ById, output: z.object({ text: z.string() }) }, http('GET /v1/notes/{id}')),
  old: query({ output: z.object({ text: z.string() }) }),
})

export const NotesV2 = defineContract('notes', '2.1.0', {
  get: query(
    { input: ById, output: z.object({ title: z.string(), lines: z.array(z.string()) }) },
    http('GET /v2/notes/{id}'),
  ),
  recent: query({ output: z.object({ ids: z.array(z.string()) }) }),
})

export const notesV1 = defineService(NotesV1, {
  config: Mark,
  start: ({ config, log, health }) => {
    log.info('Started')
    health('ink', () => ({ status: 'ok', message: 'of the first' }))
    return { get: ({ id }) => ({ text: config.mark + id }), old: () => ({ text: config.mark }) }
  },
})

export const notesV2 = defineService(NotesV2, {
  config: Mark,
  start: ({ config, log, health }) => {
    log.info('Started')
    health('ink', () => ({ status: 'degraded', message: 'of the second' }))
    return { get: ({ id }) => ({ title: id, lines: [config.mark] }), recent: () => ({ ids: [config.mark] }) }
  },
})

/** What is not served by either. */
export const NotesV3 = defineContract('notes', '3.0.0', { get: query({}) })
