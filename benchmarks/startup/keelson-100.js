// A system of 100 services, each using the one before, with a route, validated input and output, a listener, health and metrics.
import { defineContract, query } from '@keelson/kernel'
import { defineService, defineSystem, http, startSystem } from '@keelson/services'
import * as z from 'zod'

const Input = z.object({ id: z.string(), times: z.int().default(1) })
const Output = z.object({ text: z.string() })
const contracts = Array.from({ length: 100 }, (_, at) =>
  defineContract(`service-${at}`, '1.0.0', {
    greet: query({ input: Input, output: Output }, http(`GET /v1/service-${at}/{id}`)),
  }),
)
const services = contracts.map((contract, at) =>
  defineService(contract, {
    uses: at === 0 ? {} : { before: contracts[at - 1] },
    start: () => ({ greet: ({ id, times }) => ({ text: id.repeat(times) }) }),
  }),
)
const system = defineSystem({ name: 'hundred', services, config: { listener: { port: 0 } } })
const running = await startSystem(system, { persist: false })
process.send({ readyMs: performance.now(), rssBytes: process.memoryUsage.rss(), url: running.url })
process.on('message', () => process.exit(0))
