/** The system: a service of ours, and the NestJS application as another. `guests.contract.ts` was made by `keelson contract import`. */
import { defineService, defineSystem, remoteOverHttp } from '@keelson/services'
import { Greetings } from './greetings.contract.ts'
import { Guests } from './guests.contract.ts'

const greetings = defineService(Greetings, {
  uses: { guests: Guests },
  start: ({ guests }) => ({
    greet: async ({ guest }) => ({ text: `Hello, ${(await guests.one({ id: guest })).name}` }),
  }),
})

export default defineSystem({
  name: 'inn',
  services: [greetings, remoteOverHttp(Guests, { url: 'http://127.0.0.1:3000' })],
})
