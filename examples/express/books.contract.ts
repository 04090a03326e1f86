// The contract of "Books", made from its OpenAPI document by `keelson contract import`.
import { command, defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

const Book = z.object({
  id: z.string(),
  title: z.string(),
})

export const Books = defineContract('books', '1.0.0', {
  getBook: query(
    {
      summary: 'One book',
      input: z.object({
        id: z.string(),
      }),
      output: Book,
      errors: {
        NOT_FOUND: {
          kind: 'not-found',
          message: 'No such book',
        },
      },
    },
    http('GET /books/{id}'),
  ),
  addBook: command(
    {
      input: z.object({
        title: z.string().min(1),
      }),
      output: Book,
    },
    http('POST /books', { status: 201 }),
  ),
})
