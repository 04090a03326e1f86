import { expect, it } from 'vitest'
import { hasDirection, normalise } from '../../src/models/embedding-model.ts'

it('normalise() scales to length 1, however great or small the numbers are', () => {
  for (const scale of [1, 1e-30, 1e30, 1e-44]) {
    const [x = 0, y = 0] = normalise(Float32Array.of(3 * scale, -3 * scale))
    expect(x).toBeCloseTo(Math.SQRT1_2, 5)
    expect(y).toBeCloseTo(-Math.SQRT1_2, 5)
  }
})

it('normalise() leaves zeros as they are, and hasDirection() tells them', () => {
  expect(normalise(new Float32Array(3))).toEqual(new Float32Array(3))
  expect(hasDirection(new Float32Array(3))).toBe(false)
  expect(hasDirection(Float32Array.of(0, -0, 1e-40))).toBe(true)
})
