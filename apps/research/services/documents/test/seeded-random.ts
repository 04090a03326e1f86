/** Random choices that are the same on each run, so that a failure can be seen again. */

export interface SeededRandom {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
}

/** The generator `mulberry32`. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    pick(from) {
      const index = below(from.length)
      const [item] = from.slice(index, index + 1)
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}

const words =
  'keel hull mast sail rudder anchor beam frame plank tide harbour compass north wind ballast cargo deck bow stern hatch'.split(
    ' ',
  )

/** Markdown of about `length` words in sentences and paragraphs. */
export function randomMarkdown(random: SeededRandom, length: number): string {
  const parts = [`# The ${random.pick(words)} and the ${random.pick(words)}\n\n`]
  for (let count = 0; count < length; count++) {
    parts.push(`${random.pick(words)}${random.below(40) === 0 ? random.below(1_000) : ''}`)
    parts.push(random.pick([' ', ' ', ' ', ' ', ' ', ', ', '. ', '.\n', '.\n\n']))
  }
  return parts.join('')
}
