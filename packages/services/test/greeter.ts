/** A small service that the tests of this package share. */
import { command, defineContract, query, subscription } from '@keelson/kernel'
import * as z from 'zod'
import { http } from '../src/rest/http.ts'
import { defineService } from '../src/service/service.ts'

export const Greeter = defineContract('greeter', '1.2.3', {
  greet: query(
    {
      summary: 'Greet somebody',
      input: z.object({ name: z.string().min(1), times: z.int().default(1), loud: z.boolean().optional() }),
      output: z.object({ text: z.string() }),
    },
    http('GET /v1/greetings/{name}'),
  ),
  keep: command(
    { input: z.object({ id: z.string(), text: z.string() }), output: z.object({ id: z.string() }) },
    http('POST /v1/greetings', { status: 201, location: '/v1/greetings/{id}' }),
  ),
  write: command(
    { input: z.object({ id: z.string(), text: z.string() }), output: z.object({ length: z.int() }) },
    http('PUT /v1/texts/{id}', { body: 'text', maxBytes: 1_000 }),
  ),
  forget: command({ input: z.object({ id: z.string() }) }, http('DELETE /v1/greetings/{id}')),
  count: subscription(
    { input: z.object({ to: z.int() }), output: z.object({ n: z.int() }) },
    http('GET /v1/count/{to}'),
  ),
  fail: command({ input: z.object({ how: z.enum(['plain', 'output', 'string']) }), output: z.object({ n: z.int() }) }),
  ping: query({}),
})

export const greeter = defineService(Greeter, {
  start: () => ({
    greet: ({ name, times, loud }) => {
      const text = Array.from({ length: times }, () => `Hello, ${name}`).join(' ')
      return { text: loud ? text.toUpperCase() : text, secret: 'never leaves the process' }
    },
    keep: ({ id }) => ({ id }),
    write: async ({ text }) => ({ length: text.length }),
    forget: () => {},
    async *count({ to }, call) {
      for (let n = 1; n <= to; n++) {
        if (call.signal.aborted) return
        if (n === 13) throw new Error('the password is hunter2')
        yield { n }
      }
    },
    fail: ({ how }) => {
      if (how === 'plain') throw new Error('the password is hunter2')
      if (how === 'string') throw 'not even an error'
      return { n: 0.5 }
    },
    ping: () => {},
  }),
})
