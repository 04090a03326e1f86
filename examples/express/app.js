/** An ordinary Express application. All that it knows of the system is the contract of the service it calls. */
import { createClient } from '@keelson/services'
import express from 'express'
import { Notes } from './notes.contract.ts'

const notes = createClient(Notes, process.env.NOTES_URL ?? 'http://127.0.0.1:4000')
const books = new Map([['1', { id: '1', title: 'Moby-Dick' }]])

const app = express()
app.use(express.json())

app.get('/books/:id', ({ params }, response) => {
  const book = books.get(params.id)
  if (book) response.json(book)
  else response.status(404).json({ message: `There is no book ${params.id}` })
})

app.post('/books', ({ body }, response) => {
  const book = { id: String(books.size + 1), title: body.title }
  books.set(book.id, book)
  response.status(201).json(book)
})

app.get('/books/:id/notes', async ({ params }, response) => {
  response.json(await notes.about({ book: params.id }))
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Books at http://127.0.0.1:${server.address().port}`)
})
