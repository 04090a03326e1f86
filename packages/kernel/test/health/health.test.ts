import { expect, test } from 'vitest'
import { worstOf } from '../../src/index.ts'

test('worstOf() is the worst of the parts, and ok without any', () => {
  expect(worstOf([])).toBe('ok')
  expect(worstOf(['ok', 'degraded', 'ok'])).toBe('degraded')
  expect(worstOf(['degraded', 'failed', 'ok'])).toBe('failed')
})
