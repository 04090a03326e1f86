import { crc32 } from 'node:zlib'
import { isError } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { createSearchIndex } from '../../src/search/bm25-index.ts'
import { openVectorSnapshot } from '../../src/vectors/create-vector-index.ts'
import { createExactVectorIndex } from '../../src/vectors/exact-vector-index.ts'
import { HnswVectorIndex, hnswDefaults } from '../../src/vectors/hnsw-vector-index.ts'
import { uniformVectors } from '../../src/vectors/random-vectors.ts'
import type { VectorIndex } from '../../src/vectors/vector-index.ts'

const shape = { dimension: 3, model: 'model "7"' }
const queries = [
  { vector: Float32Array.of(1, 2, 3), limit: 100 },
  { vector: Float32Array.of(-1, 0, 0), limit: 3 },
  { vector: Float32Array.of(0, 1, 0), limit: 100, filters: [{ attribute: 'path', glob: 'a/**' }] },
]
const subjects = {
  'an exact index': () => filled(createExactVectorIndex(shape)),
  'a graph': () =>
    filled(new HnswVectorIndex(shape, { ...hnswDefaults, scanUpTo: 0, scans: 'never', linking: 'at once' })),
}

/** With entries taken out of the graph, so that rows of every state are saved. */
function filled(index: VectorIndex): VectorIndex {
  const entries = uniformVectors(40, 3, 1).map((vector, number) => ({
    id: `id-${number}\ud800`,
    vector,
    attributes: number % 3 === 0 ? { path: `a/${number % 7}`, ['__proto__']: 'x' } : { '': `${number % 2}` },
  }))
  index.upsert(entries)
  index.remove(entries.slice(0, 4).map(({ id }) => id))
  return index
}

/** Writes the checksum anew, as somebody would who makes a snapshot by another program. */
function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, crc32(bytes.subarray(12)), true)
  return bytes
}

const refuses = (bytes: Uint8Array) => {
  try {
    openVectorSnapshot(bytes)
    return false
  } catch (error) {
    return isError(error, 'VECTOR_SNAPSHOT_INVALID')
  }
}

describe.each(Object.entries(subjects))('openVectorSnapshot() of %s', (_, create) => {
  it('gives the index that was saved, and its mark', () => {
    const index = create()
    for (const mark of ['', 'epoch:7', '"\n\ud800 船']) {
      const opened = openVectorSnapshot(index.snapshot(mark))
      expect(opened.mark).toBe(mark)
      const { dimension, model, size } = opened.index
      expect({ dimension, model, size }).toEqual({ ...shape, size: 36 })
      for (const query of queries) expect(opened.index.search(query)).toEqual(index.search(query))
    }
  })

  it('gives an index that changes like the one that was saved, and leaves the bytes alone', () => {
    const index = create()
    const bytes = index.snapshot('')
    const before = bytes.slice()
    const opened = openVectorSnapshot(bytes).index
    for (const one of [index, opened]) {
      one.remove(['id-10\ud800', 'id-17\ud800'])
      one.upsert([{ id: 'id-9\ud800', vector: Float32Array.of(1, 1, 1), attributes: { path: 'a/b' } }])
    }
    for (const query of queries) expect(opened.search(query)).toEqual(index.search(query))
    expect(Buffer.compare(bytes, before)).toBe(0)
  })

  it('opens bytes that lie anywhere in their buffer', () => {
    const bytes = create().snapshot('here')
    for (const offset of [1, 2, 4, 8]) {
      const moved = new Uint8Array(bytes.length + offset)
      moved.set(bytes, offset)
      expect(openVectorSnapshot(moved.subarray(offset)).mark).toBe('here')
    }
  })

  it('refuses bytes with a single bit turned, wherever it is', () => {
    const bytes = create().snapshot('mark')
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      if (!refuses(damaged)) expect.fail(`took a snapshot damaged at ${at}`)
    }
  })

  it('refuses bytes cut short anywhere, and bytes with more behind them', () => {
    const bytes = create().snapshot('mark')
    for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 13) {
      if (!refuses(bytes.slice(0, length))) expect.fail(`took a snapshot cut to ${length}`)
    }
    expect(refuses(Buffer.concat([bytes, new Uint8Array(8)]))).toBe(true)
  })

  it('refuses parts that do not fit together under a checksum that holds', () => {
    const bytes = create().snapshot('mark')
    const start = 16
    const header = new TextDecoder().decode(bytes.slice(start, bytes.indexOf(0, start)))
    for (const [pattern, replacement] of [
      [/^./, 'x'],
      [/"dimension":3/, '"dimension":0'],
      [/"id-10/, '"id-11'],
      [/null/, '"ab"'],
      [/"vectorsLength":\d/, '"vectorsLength":9'],
      [/"columns"/, '"columnz"'],
      [/\["x"\]/, '[ \t ]'],
    ] as const) {
      const changed = header.replace(pattern, replacement)
      if (changed === header) continue
      expect(changed).toHaveLength(header.length)
      const copy = bytes.slice()
      copy.set(Buffer.from(changed), start)
      if (!refuses(sealed(copy))) expect.fail(`took a snapshot with ${replacement}`)
    }
  })
})

describe('openVectorSnapshot()', () => {
  it('refuses what is no snapshot, and says of another version which it is', () => {
    expect(refuses(new Uint8Array())).toBe(true)
    expect(refuses(createSearchIndex().snapshot(''))).toBe(true)
    const newer = createExactVectorIndex(shape).snapshot('')
    newer[4] = 99
    expect(() => openVectorSnapshot(sealed(newer))).toThrow('it is of version 99, this program reads 1')
  })

  it('refuses lists of a graph that lead out of it, under a checksum that holds', () => {
    const bytes = subjects['a graph']().snapshot('')
    let taken = 0
    for (let at = bytes.length - 8; at > bytes.length - 5_000; at -= 4) {
      const copy = bytes.slice()
      new DataView(copy.buffer).setUint32(at, 0xffff_fff0, true)
      if (!refuses(sealed(copy))) taken++
    }
    // Places behind the end of a list, and the starts of lists of rows that have none, mean nothing.
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(1_250)
  })
})
