/**
 * Texts for a regular expression, for the plain part of the language: letters, classes, groups, alternatives and repetition. What looks around
 * itself or refers back counts as empty, so that whoever asks has to check what comes out.
 */

/** Gives a number from 0 to below 1, as `Math.random` does. */
export type Random = () => number

type Maker = (random: Random) => string

/** Makes texts that probably match `pattern`. Throws a SyntaxError for a pattern that it cannot read. */
export function textsFor(pattern: string): Maker {
  const reader = new PatternReader(pattern)
  const maker = reader.alternatives()
  if (!reader.isAtEnd) throw new SyntaxError(`the pattern ${pattern} cannot be read`)
  return maker
}

export function oneOf<T>(values: readonly T[], random: Random): T | undefined {
  return values[Math.floor(random() * values.length)]
}

const digits = '0123456789'
const letters = 'abcdefghijklmnopqrstuvwxyz'
const words = `${letters}${letters.toUpperCase()}${digits}_`
const sets: Readonly<Record<string, string>> = {
  d: digits,
  D: letters,
  w: words,
  W: ' -.',
  s: ' \t',
  S: words,
  n: '\n',
  r: '\r',
  t: '\t',
  b: '',
  B: '',
}
const other = `${words} -./:@é`

class PatternReader {
  readonly #pattern: string
  #at = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#pattern.length
  }

  alternatives(): Maker {
    const makers = [this.#sequence()]
    while (this.#take(/\|/y)) makers.push(this.#sequence())
    return (random) => oneOf(makers, random)?.(random) ?? ''
  }

  #sequence(): Maker {
    const makers: Maker[] = []
    while (!this.isAtEnd && !/[|)]/.test(this.#pattern[this.#at] ?? '')) makers.push(this.#repeated(this.#part()))
    return (random) => makers.map((make) => make(random)).join('')
  }

  #repeated(make: Maker): Maker {
    const mark = this.#take(/([*+?]|\{\d+(,\d*)?\})\??/y)
    if (mark === undefined) return make
    const [least, most] = timesOf(mark)
    return (random) => {
      const times = least + Math.floor(random() * (Math.min(most, least + 4) - least + 1))
      return Array.from({ length: times }, () => make(random)).join('')
    }
  }

  #part(): Maker {
    if (this.#take(/[\^$]/y)) return () => ''
    const group = this.#take(/\((\?(<?[!=]|:|<\w+>))?/y)
    if (group !== undefined) return this.#group(group)
    const set = this.#take(/\[\^?/y)
    if (set !== undefined) return this.#set(set === '[^')
    if (this.#take(/\./y)) return fromSet(other)
    return fromSet(this.#letters())
  }

  #group(mark: string): Maker {
    const make = this.alternatives()
    if (!this.#take(/\)/y)) throw new SyntaxError('a group does not end')
    return /[!=]$/.test(mark) ? () => '' : make
  }

  #set(isOther: boolean): Maker {
    let set = ''
    while (!this.#take(/\]/y)) {
      if (this.isAtEnd) throw new SyntaxError('a set does not end')
      const from = this.#letters()
      const isRange = [...from].length === 1 && this.#take(/-(?!\])/y) !== undefined
      set += isRange ? range(from, this.#letters()) : from
    }
    return fromSet(isOther ? [...other].filter((letter) => !set.includes(letter)).join('') : set)
  }

  /** One letter, or those that an escape stands for. */
  #letters(): string {
    const code = this.#take(/\\(u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2})/y)
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code.replace(/[^\da-fA-F]/g, ''), 16))
    if (this.#take(/\\p\{(L|Ll|Lu|Letter|Alphabetic)\}/y)) return 'aZ'
    if (this.#take(/\\p\{(N|Nd|Number)\}/y)) return digits
    if (this.#take(/\\([1-9]|k<\w+>)/y)) return ''
    const escaped = this.#take(/\\[^pP]/y)
    if (escaped !== undefined) return sets[escaped.slice(1)] ?? escaped.slice(1)
    const letter = this.#take(/[^\\]/suy)
    if (letter === undefined) throw new SyntaxError('an escape is not understood')
    return letter
  }

  #take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#pattern)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}

function timesOf(mark: string): readonly [least: number, most: number] {
  const [, least = '', more, most] = /^\{(\d+)(,(\d*))?\}/.exec(mark) ?? []
  if (least === '') return [mark.startsWith('+') ? 1 : 0, mark.startsWith('?') ? 1 : 4]
  return [Number(least), more === undefined ? Number(least) : most ? Number(most) : Number(least) + 4]
}

function range(from: string, to: string): string {
  const [first = 0, last = 0] = [from.codePointAt(0), to.codePointAt(0)]
  return Array.from({ length: Math.min(last - first + 1, 200) }, (_, at) => String.fromCodePoint(first + at)).join('')
}

function fromSet(set: string): Maker {
  const all = [...set]
  return (random) => oneOf(all, random) ?? ''
}
