import { readFile } from 'node:fs/promises'
import { defineContract } from '@keelson/kernel'
import { answerText, defineService, Listener } from '@keelson/services'

const Page = defineContract('page', '1.0.0', {})

export const page = defineService(Page, {
  uses: { listener: Listener },
  start({ listener }) {
    listener.route('GET', '/', async (exchange) => {
      const html = await readFile(new URL('index.html', import.meta.url))
      answerText(exchange, 200, 'text/html; charset=utf-8', html)
    })
    return {}
  },
})
