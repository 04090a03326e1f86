import { defineService } from '@keelson/services'
import { Greetings } from '../greetings/contract.ts'
import { Visits } from './contract.ts'

export const visits = defineService(Visits, {
  uses: { greetings: Greetings },
  start({ greetings, log }) {
    const times = new Map<string, number>()
    const greetingOf = async (name: string) => (await greetings.greet({ name })).text
    return {
      list: async () => ({
        visits: await Promise.all(
          [...times].map(async ([name, count]) => ({ name, times: count, greeting: await greetingOf(name) })),
        ),
      }),
      async record({ name }) {
        const greeting = await greetingOf(name)
        const count = (times.get(name) ?? 0) + 1
        times.set(name, count)
        log.info('visit', { name, times: count })
        return { name, times: count, greeting }
      },
    }
  },
})
