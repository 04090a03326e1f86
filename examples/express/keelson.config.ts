/** The system: a service of ours, and the Express application as another. `books.contract.ts` was made by `keelson contract import`. */
import { errorsOf, isContractError } from '@keelson/kernel'
import { defineService, defineSystem, remoteOverHttp } from '@keelson/services'
import { Books } from './books.contract.ts'
import { Notes } from './notes.contract.ts'

const { BOOK_NOT_FOUND } = errorsOf(Notes.operations.add)

const notes = defineService(Notes, {
  uses: { books: Books },
  start: ({ books }) => {
    const kept = new Map<string, { id: string; text: string }[]>()
    return {
      add: async ({ book, text }) => {
        const { title } = await books.getBook({ id: book }).catch((error: unknown) => {
          throw isContractError(error, Books.operations.getBook, 'NOT_FOUND') ? BOOK_NOT_FOUND({ book }) : error
        })
        const about = kept.get(book) ?? []
        const note = { id: String(about.length + 1), text: `${title}: ${text}` }
        kept.set(book, [...about, note])
        return note
      },
      about: ({ book }) => kept.get(book) ?? [],
    }
  },
})

export default defineSystem({
  name: 'library',
  services: [notes, remoteOverHttp(Books, { url: 'http://127.0.0.1:3000' })],
})
