import { defineService } from '@keelson/services'
import { Greetings } from './contract.ts'

export const greetings = defineService(Greetings, {
  start: () => ({
    greet: ({ name }) => ({ text: `Hello, ${name}` }),
  }),
})
