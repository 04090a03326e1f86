import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mock, startForTest } from '@keelson/services/testing'
import { Greetings } from '../services/greetings/contract.ts'
import { Visits } from '../services/visits/contract.ts'
import { visits } from '../services/visits/service.ts'

test('visits.record() counts each name and greets it', async (t) => {
  const greetings = mock(Greetings, { greet: ({ name }) => ({ text: `Ahoy, ${name}` }) })
  const system = await startForTest({ services: [visits], mocks: [greetings] })
  t.after(() => system.close())
  const facade = system.get(Visits)

  await facade.record({ name: 'Ada' })
  await facade.record({ name: 'Ada' })

  assert.deepEqual(await facade.list(), { visits: [{ name: 'Ada', times: 2, greeting: 'Ahoy, Ada' }] })
})
