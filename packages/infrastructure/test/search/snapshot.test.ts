import { crc32 } from 'node:zlib'
import { isError } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { createSearchIndex, openSnapshot } from '../../src/search/bm25-index.ts'
import type { SearchIndex } from '../../src/search/search-index.ts'

const queries = [
  { text: 'keel', limit: 100 },
  { text: 'mast 安装 the', limit: 3, offset: 1 },
  { text: 'keel', limit: 100, filters: [{ attribute: 'path', glob: 'a/**' }] },
] as const

function makeIndex(): SearchIndex {
  const index = createSearchIndex()
  const words = ['keel', 'mast', '安装', 'fooBar', 'the', 'Straße']
  const entry = (number: number) => ({
    id: `id-${number}\ud800`,
    title: words[number % 6] ?? '',
    text: `${words[number % 5]} ${words[number % 4]}`,
    attributes: number % 3 === 0 ? { path: `a/${number % 7}`, __proto__: 'x' } : { '': `${number % 2}` },
  })
  for (let number = 0; number < 40; number += 5) {
    index.upsert(Array.from({ length: 5 }, (_, offset) => entry(number + offset)))
  }
  index.remove([entry(3).id, entry(4).id])
  return index
}

/** Writes the checksum anew, as somebody would who makes a snapshot by another program. */
function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, crc32(bytes.subarray(12)), true)
  return bytes
}

const refuses = (bytes: Uint8Array) => {
  try {
    openSnapshot(bytes)
    return false
  } catch (error) {
    return isError(error, 'SEARCH_SNAPSHOT_INVALID')
  }
}

describe('openSnapshot()', () => {
  it('gives the index that was saved, and its mark', () => {
    const index = makeIndex()
    for (const mark of ['', 'epoch:7', '"\n\ud800 船']) {
      const opened = openSnapshot(index.snapshot(mark))
      expect(opened.mark).toBe(mark)
      expect(opened.index.size).toBe(index.size)
      for (const query of queries) expect(opened.index.search(query)).toEqual(index.search(query))
    }
  })

  it('gives an index that changes like the one that was saved, and leaves the bytes alone', () => {
    const index = makeIndex()
    const bytes = index.snapshot('')
    const before = bytes.slice()
    const opened = openSnapshot(bytes).index
    for (const one of [index, opened]) {
      one.remove(['id-0\ud800', 'id-7\ud800'])
      one.upsert([{ id: 'id-9\ud800', title: 'keel', text: 'keel', attributes: { path: 'a/b' } }])
    }
    for (const query of queries) expect(opened.search(query)).toEqual(index.search(query))
    expect(Buffer.compare(bytes, before)).toBe(0)
  })

  it('opens bytes that lie anywhere in their buffer', () => {
    const bytes = makeIndex().snapshot('here')
    for (const offset of [1, 2, 4, 8]) {
      const moved = new Uint8Array(bytes.length + offset)
      moved.set(bytes, offset)
      expect(openSnapshot(moved.subarray(offset)).mark).toBe('here')
    }
    expect(openSnapshot(Buffer.from(bytes)).mark).toBe('here')
  })

  it('opens a Buffer that lies anywhere in its memory', () => {
    const bytes = makeIndex().snapshot('mark')
    for (let shift = 0; shift < 8; shift++) {
      const shifted = Buffer.alloc(bytes.length + shift).subarray(shift)
      shifted.set(bytes)
      expect(openSnapshot(shifted).mark).toBe('mark')
    }
  })

  it('refuses bytes with a single bit turned, wherever it is', () => {
    const bytes = makeIndex().snapshot('mark')
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      if (!refuses(damaged)) expect.fail(`took a snapshot damaged at ${at}`)
    }
  })

  it('refuses bytes cut short anywhere, and bytes with more behind them', () => {
    const bytes = makeIndex().snapshot('mark')
    for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 13) {
      if (!refuses(bytes.slice(0, length))) expect.fail(`took a snapshot cut to ${length}`)
    }
    expect(refuses(bytes.slice(0, -1))).toBe(true)
    expect(refuses(Buffer.concat([bytes, new Uint8Array(8)]))).toBe(true)
  })

  it('refuses what is no snapshot, and says of another version which it is', () => {
    expect(refuses(new Uint8Array())).toBe(true)
    expect(refuses(Buffer.from('{"name":"not a snapshot","but":"json"}'))).toBe(true)
    const newer = makeIndex().snapshot('')
    newer[4] = 99
    expect(() => openSnapshot(sealed(newer))).toThrow('it is of version 99, this program reads 2')
  })

  it('refuses parts that do not fit together under a checksum that holds', () => {
    const bytes = makeIndex().snapshot('mark')
    const start = 16
    const header = new TextDecoder().decode(bytes.slice(start, bytes.indexOf(0, start)))
    for (const replacement of [
      'x'.repeat(header.length),
      header.replace(/\d(?=,)/, '9'),
      header.replace('"segments"', '"segmentz"'),
    ]) {
      const changed = bytes.slice()
      changed.set(Buffer.from(replacement), start)
      expect(refuses(sealed(changed))).toBe(true)
    }
  })
})
