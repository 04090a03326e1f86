/** What every `EmbeddingModel` must pass, as data so that any test runner can run it. */
import assert from 'node:assert/strict'
import { type EmbeddingModel, hasDirection } from './embedding-model.ts'

export interface EmbeddingModelCase {
  readonly name: string
  /** @param create a model that knows the words of `embeddingTexts`; each time the same, and within one case called once. */
  run(create: () => EmbeddingModel | Promise<EmbeddingModel>): Promise<void>
}

/** Texts that a model under test is to know: fit it on these, where it is to be fitted. */
export const embeddingTexts: readonly string[] = [
  'The keel carries the frames of the ship',
  'Frames are bent from oak and fastened to the keel',
  'Sails of linen hang from the mast',
  'The mast stands on the keel and carries sails',
  'Bread is baked from flour and water',
  'Flour is ground from wheat at the mill',
  'Water drives the mill that grinds wheat',
  '船体由龙骨和肋骨组成',
]

export const embeddingModelConformance: readonly EmbeddingModelCase[] = [
  {
    name: 'says which model it is',
    async run(create) {
      const { name, version, dimension } = await create()
      assert.ok(name.length > 0 && version.length > 0)
      assert.ok(Number.isSafeInteger(dimension) && dimension > 0)
    },
  },
  {
    name: 'embed() gives each text a vector of length 1, in the order of the texts',
    async run(create) {
      const model = await create()
      const vectors = await model.embed(embeddingTexts)
      assert.equal(vectors.length, embeddingTexts.length)
      for (const vector of vectors) {
        assert.ok(vector instanceof Float32Array)
        assert.equal(vector.length, model.dimension)
        assertClose(lengthOf(vector), 1)
      }
      for (const [index, text] of embeddingTexts.entries()) {
        const [alone = new Float32Array()] = await model.embed([text])
        assertSame(vectors[index], alone)
      }
    },
  },
  {
    name: 'embed() brings texts that share words nearer than others',
    async run(create) {
      const model = await create()
      const [one, near, far] = await model.embed(['keel and frames', 'frames on the keel', 'flour from the mill'])
      assert.ok(dot(one, near) > dot(one, far))
    },
  },
  {
    name: 'embed() gives nothing for no texts',
    async run(create) {
      assert.deepEqual(await (await create()).embed([]), [])
    },
  },
  {
    name: 'embed() gives zeros, which have no direction, for texts without anything in them',
    async run(create) {
      const model = await create()
      const vectors = await model.embed(['', 'keel', '  \n\t ', ''])
      assert.deepEqual(vectors.map(hasDirection), [false, true, false, false])
      assert.ok(vectors.every((vector) => vector.length === model.dimension))
    },
  },
  {
    name: 'embed() takes any text: vectors are finite, and of length 1 or zeros',
    async run(create) {
      const model = await create()
      const texts = [
        '\u0000',
        '\ud800',
        '😀',
        '?!',
        'x'.repeat(20_000),
        'keel '.repeat(5_000),
        '2024',
        '"quoted" \\ {}',
      ]
      for (const vector of await model.embed(texts)) {
        assert.ok(vector.every(Number.isFinite))
        if (hasDirection(vector)) assertClose(lengthOf(vector), 1)
      }
    },
  },
  {
    name: 'embed() takes any number of texts, and what stands beside a text does not matter',
    async run(create) {
      const model = await create()
      const texts = Array.from({ length: 700 }, (_, index) => embeddingTexts[index % embeddingTexts.length] ?? '')
      const first = await model.embed(embeddingTexts)
      const vectors = await model.embed(texts)
      assert.equal(vectors.length, texts.length)
      for (const [index, vector] of vectors.entries()) assertSame(vector, first[index % first.length])
    },
  },
  {
    name: 'embed() may be called again before it has ended',
    async run(create) {
      const model = await create()
      const together = await Promise.all(embeddingTexts.map((text) => model.embed([text])))
      const vectors = await model.embed(embeddingTexts)
      for (const [index, [vector]] of together.entries()) assertSame(vector, vectors[index])
    },
  },
  {
    name: 'embed() hands its vectors over: what the caller does with them changes nothing',
    async run(create) {
      const model = await create()
      const [before] = await model.embed(['keel'])
      const kept = before?.slice()
      before?.fill(7)
      const [after] = await model.embed(['keel'])
      assertSame(after, kept)
    },
  },
  {
    name: "embed() rejects with the signal's reason when that has aborted, and when it aborts",
    async run(create) {
      const model = await create()
      const reason = new Error('enough')
      await assert.rejects(model.embed(['keel'], { signal: AbortSignal.abort(reason) }), reason)
      const controller = new AbortController()
      const texts = Array.from({ length: 2_000 }, (_, index) => `${embeddingTexts[0]} ${index}`)
      const embedded = model.embed(texts, { signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(embedded, reason)
      assert.equal((await model.embed(['keel'])).length, 1)
    },
  },
]

function dot(one: Float32Array = new Float32Array(), other: Float32Array = new Float32Array()): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector))
}

function assertClose(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 1e-4, `${value} is not ${expected}`)
}

function assertSame(one: Float32Array = new Float32Array(), other: Float32Array = new Float32Array()): void {
  assert.equal(one.length, other.length)
  assert.ok(one.length > 0)
  for (const [index, value] of one.entries()) assertClose(value, other[index] ?? Number.NaN)
}
