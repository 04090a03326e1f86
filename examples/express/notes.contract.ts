/** What others may know of the notes: the Express application imports this and nothing else. */
import { command, defineContract, query } from '@keelson/kernel'
import { http } from '@keelson/services'
import * as z from 'zod'

const Note = z.object({ id: z.string(), text: z.string() })

export const Notes = defineContract('notes', '1.0.0', {
  add: command(
    {
      input: z.object({ book: z.string(), text: z.string().min(1) }),
      output: Note,
      errors: { BOOK_NOT_FOUND: { message: 'There is no book {book}', details: z.object({ book: z.string() }) } },
    },
    http('POST /v1/notes', { status: 201 }),
  ),
  about: query({ input: z.object({ book: z.string() }), output: z.array(Note) }, http('GET /v1/notes')),
})
