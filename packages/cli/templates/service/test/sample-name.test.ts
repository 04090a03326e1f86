import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startForTest } from '@keelson/services/testing'
import { SampleName } from '../services/sample-name/contract.ts'
import { sampleName } from '../services/sample-name/service.ts'

test('sample-name.describe() says what the service is for', async (t) => {
  const system = await startForTest({ services: [sampleName] })
  t.after(() => system.close())
  assert.deepEqual(await system.get(SampleName).describe(), { text: 'sample-name answers' })
})
