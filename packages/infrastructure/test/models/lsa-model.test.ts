import { describe, expect, it } from 'vitest'
import { embeddingModelConformance, embeddingTexts } from '../../src/models/embedding-model.conformance.ts'
import { hasDirection } from '../../src/models/embedding-model.ts'
import { fitLsa, openLsa } from '../../src/models/lsa-model.ts'
import { seededRandom } from '../../src/models/seeded-random.ts'

for (const { name, run } of embeddingModelConformance) {
  it(`fitLsa() ${name}`, () => run(() => fitLsa(embeddingTexts)))
  it(`openLsa() ${name}`, () => run(async () => openLsa((await fitLsa(embeddingTexts)).toBytes())))
}

describe('fitLsa()', () => {
  it('finds texts by words that do not stand in them but keep the same company', async () => {
    const model = await fitLsa(
      [
        'car engine',
        'automobile engine',
        'car wheel',
        'automobile wheel',
        'bread oven',
        'loaf oven',
        'bread flour',
        'loaf flour',
      ],
      { dimension: 2 },
    )
    const [car, automobile, bread] = await model.embed(['car', 'automobile', 'bread'])
    expect(dot(car, automobile)).toBeGreaterThan(0.9)
    expect(Math.abs(dot(car, bread))).toBeLessThan(0.1)
  })

  it('gives the same model, bit by bit, for the same corpus and seed, and another for another', async () => {
    const texts = randomTexts(200)
    const first = await fitLsa(texts, { dimension: 16 })
    const again = await fitLsa(asyncTexts(texts), { dimension: 16, seed: 1 })
    expect(again.toBytes()).toEqual(first.toBytes())
    expect(again.version).toBe(first.version)
    expect((await fitLsa(texts, { dimension: 16, seed: 2 })).version).not.toBe(first.version)
    expect((await fitLsa(texts.slice(1), { dimension: 16 })).version).not.toBe(first.version)
  })

  it('has as many dimensions as the corpus has independent texts and terms, and no more than were asked for', async () => {
    expect((await fitLsa(randomTexts(200), { dimension: 16 })).dimension).toBe(16)
    expect((await fitLsa(['keel mast', 'sail rope', 'keel mast'])).dimension).toBe(2)
    expect((await fitLsa(['keel'])).dimension).toBe(1)
  })

  it('keeps the terms that stand in most texts when there are more than it may keep', async () => {
    const texts = Array.from({ length: 40 }, (_, index) => `keel mast rare${index}`)
    const model = await fitLsa(texts, { vocabularySize: 2 })
    const vectors = await model.embed(['keel', 'mast', 'rare7'])
    expect(vectors.map(hasDirection)).toEqual([true, true, false])
  })

  it('does not know a word that stands in a single text of a large corpus', async () => {
    const model = await fitLsa([...randomTexts(150), 'keel unheard'])
    const vectors = await model.embed(['unheard', 'keel'])
    expect(vectors.map(hasDirection)).toEqual([false, true])
  })

  it('takes texts without words among the others', async () => {
    const model = await fitLsa(['', 'keel and mast', '?!', '   ', 'to be or not to be'])
    expect(model.textCount).toBe(5)
    expect(model.dimension).toBe(1)
  })

  it('refuses a corpus without words with MODEL_CORPUS_EMPTY', async () => {
    for (const corpus of [[], ['', '?!', 'to be or not to be']]) {
      await expect(fitLsa(corpus)).rejects.toMatchObject({ code: 'MODEL_CORPUS_EMPTY' })
    }
  })

  it('refuses options that make no sense with MODEL_OPTIONS_INVALID', async () => {
    for (const value of [0, -1, 1.5, Number.NaN]) {
      await expect(fitLsa(['keel'], { dimension: value })).rejects.toMatchObject({ code: 'MODEL_OPTIONS_INVALID' })
      await expect(fitLsa(['keel'], { vocabularySize: value })).rejects.toMatchObject({ code: 'MODEL_OPTIONS_INVALID' })
    }
  })

  it('lets the event loop have its turn while it works, and stops when the signal aborts', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    let turns = 0
    const count = () => {
      if (++turns === 5) controller.abort(reason)
      else setImmediate(count)
    }
    setImmediate(count)
    await expect(fitLsa(randomTexts(3_000), { signal: controller.signal })).rejects.toBe(reason)
    expect(turns).toBe(5)
  })

  it('rejects with what the corpus throws, and closes it when it stops by itself', async () => {
    const broken = new Error('the disk is gone')
    await expect(fitLsa(asyncTexts(['keel'], broken))).rejects.toBe(broken)
    const controller = new AbortController()
    let isClosed = false
    async function* corpus() {
      try {
        for (;;) {
          yield 'keel '.repeat(10_000)
          controller.abort(broken)
        }
      } finally {
        isClosed = true
      }
    }
    await expect(fitLsa(corpus(), { signal: controller.signal })).rejects.toBe(broken)
    expect(isClosed).toBe(true)
  })
})

describe('LsaModel', () => {
  it('measures how much of texts it does not know', async () => {
    const texts = randomTexts(2_000)
    const model = await fitLsa(texts, { dimension: 8 })
    const expected = model.expectedUnknownShare
    expect(expected).toBeGreaterThan(0)
    expect(model.unknownShare(randomTexts(500, 99))).toBeCloseTo(expected, 1)
    expect(model.unknownShare(['quantum chromodynamics', 'gluons and quarks'])).toBe(1)
    expect(model.unknownShare(['', '?!'])).toBe(0)
    expect(model.unknownShare([])).toBe(0)
  })

  it('does not change when what it handed out is written to', async () => {
    const model = await fitLsa(embeddingTexts)
    const [before] = await model.embed(['keel'])
    model.toBytes().fill(0)
    expect((await model.embed(['keel']))[0]).toEqual(before)
  })
})

describe('openLsa()', () => {
  it('gives the model that was written, from any place in memory', async () => {
    const model = await fitLsa(embeddingTexts)
    const bytes = model.toBytes()
    const moved = new Uint8Array(bytes.length + 3)
    moved.set(bytes, 3)
    for (const given of [bytes, moved.subarray(3), Buffer.from(bytes)]) {
      const opened = openLsa(given)
      expect(opened.version).toBe(model.version)
      expect(opened.dimension).toBe(model.dimension)
      expect(opened.textCount).toBe(model.textCount)
      expect(opened.expectedUnknownShare).toBe(model.expectedUnknownShare)
      expect(await opened.embed(embeddingTexts)).toEqual(await model.embed(embeddingTexts))
      expect(opened.toBytes()).toEqual(bytes)
    }
  })

  it('refuses bytes that are damaged, cut short, of another version or no model, with MODEL_BYTES_INVALID', async () => {
    const bytes = (await fitLsa(embeddingTexts)).toBytes()
    const isRefused = expect.objectContaining({ code: 'MODEL_BYTES_INVALID' })
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      expect(() => openLsa(damaged), `byte ${at}`).toThrow(isRefused)
    }
    for (const length of [0, 1, 15, 16, 17, bytes.length - 1]) {
      expect(() => openLsa(bytes.subarray(0, length)), `${length} bytes`).toThrow(isRefused)
    }
    expect(() => openLsa(new Uint8Array([...bytes, 0]))).toThrow(isRefused)
    expect(() => openLsa(Buffer.from('{"name":"lsa"}, and more of it'))).toThrow(isRefused)
  })
})

/** Texts of words by chance, common and rare ones, as in a language. */
function randomTexts(count: number, seed = 7): string[] {
  const random = seededRandom(seed)
  const word = () => `word${Math.floor(3_000 * random() ** 3)}x`
  return Array.from({ length: count }, () => `keel ${Array.from({ length: 20 }, word).join(' ')}`)
}

async function* asyncTexts(texts: readonly string[], end?: Error): AsyncGenerator<string> {
  yield* texts
  if (end) throw end
}

function dot(one: Float32Array = new Float32Array(), other: Float32Array = new Float32Array()): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}
