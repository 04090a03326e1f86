// The contract of "Guests", made from its OpenAPI document by `keelson contract import`.
import { command, defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

const Guest = z.object({
  name: z.string().min(1),
  id: z.string(),
})

const NewGuest = z.object({
  name: z.string().min(1),
})

export const Guests = defineContract('guests', '1.0.0', {
  one: query(
    {
      input: z.object({
        id: z.string(),
      }),
      output: Guest,
      errors: {
        NOT_FOUND: {
          kind: 'not-found',
          message: 'No such guest',
        },
      },
    },
    http('GET /guests/{id}'),
  ),
  add: command(
    {
      input: NewGuest,
      output: Guest,
    },
    http('POST /guests', { status: 201 }),
  ),
  greeting: query(
    {
      input: z.object({
        id: z.string(),
      }),
      output: z.string(),
    },
    http('GET /guests/{id}/greeting'),
  ),
})
