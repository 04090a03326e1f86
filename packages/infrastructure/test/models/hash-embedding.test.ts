import { expect, it } from 'vitest'
import { embeddingModelConformance } from '../../src/models/embedding-model.conformance.ts'
import { hasDirection } from '../../src/models/embedding-model.ts'
import { createHashEmbedding } from '../../src/models/hash-embedding.ts'

for (const { name, run } of embeddingModelConformance) {
  it(`createHashEmbedding() ${name}`, () => run(() => createHashEmbedding(512)))
}

it('createHashEmbedding() brings words of one root nearer than others', async () => {
  const [one, near, far] = await createHashEmbedding().embed(['hydrodynamics', 'hydrodynamical', 'carpentry'])
  expect(dot(one, near)).toBeGreaterThan(dot(one, far) + 0.1)
})

it('createHashEmbedding() gives the same vector in every process', async () => {
  const [vector] = await createHashEmbedding(8).embed(['keel and mast'])
  expect([...(vector ?? [])].map((value) => value.toFixed(3))).toMatchInlineSnapshot(`
    [
      "0.000",
      "-0.316",
      "0.632",
      "0.000",
      "0.000",
      "0.000",
      "-0.632",
      "-0.316",
    ]
  `)
})

it('createHashEmbedding() hears nothing in stop words', async () => {
  const [vector = new Float32Array()] = await createHashEmbedding().embed(['to be or not to be'])
  expect(hasDirection(vector)).toBe(false)
})

it('createHashEmbedding() refuses a dimension that makes no sense', () => {
  for (const dimension of [0, -1, 1.5, Number.NaN]) {
    expect(() => createHashEmbedding(dimension)).toThrow(expect.objectContaining({ code: 'MODEL_OPTIONS_INVALID' }))
  }
})

function dot(one: Float32Array = new Float32Array(), other: Float32Array = new Float32Array()): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}
