/**
 * Globs on paths, matched in time proportional to the length of the value times that of the glob, whatever either is: globs come from
 * outside, and the backtracking patterns that globs are usually compiled to can be made to run for minutes.
 *
 * `*` and `?` match within a name, `**` as a whole name any number of names, `[a-z]` and `[!a-z]` one character, `{a,b}` either; `\` takes
 * the next character as it is. Names that begin with a dot are matched like others. Letters with marks are the same in both of Unicode's
 * forms, since systems of files and archives write names in either.
 */

/** Says whether a whole value matches. */
export type Glob = (value: string) => boolean

/** @throws SyntaxError for a glob that cannot be read, with the reason. */
export function compileGlob(glob: string): Glob {
  const machine = new Machine()
  const start = machine.add(new Parser(glob.normalize('NFC')).sequence(), machine.accept)
  return machine.from(start)
}

type Part =
  | { readonly kind: 'one'; readonly accepts: (code: number) => boolean }
  | { readonly kind: 'many'; readonly accepts: (code: number) => boolean }
  | { readonly kind: 'names' }
  | { readonly kind: 'either'; readonly choices: readonly (readonly Part[])[] }

const slash = 0x2f
const anything = () => true
const withinName = (code: number) => code !== slash

class Parser {
  readonly #characters: readonly string[]
  #at = 0

  constructor(glob: string) {
    if (glob === '') throw new SyntaxError('is empty')
    this.#characters = [...glob]
  }

  sequence(isInBraces = false): Part[] {
    const parts: Part[] = []
    for (;;) {
      const character = this.#characters[this.#at]
      if (character === undefined || (isInBraces && (character === ',' || character === '}'))) return parts
      parts.push(this.#part(character))
    }
  }

  #part(character: string): Part {
    if (character === '*') return this.#stars()
    this.#at++
    if (character === '?') return { kind: 'one', accepts: withinName }
    if (character === '[') return this.#set()
    if (character === '{') return this.#braces()
    if (character !== '\\') return literal(character)
    const escaped = this.#characters[this.#at++]
    if (escaped === undefined) throw new SyntaxError('ends with a backslash')
    return literal(escaped)
  }

  #stars(): Part {
    const before = this.#characters[this.#at - 1]
    let stars = 0
    while (this.#characters[this.#at] === '*') {
      stars++
      this.#at++
    }
    const after = this.#characters[this.#at]
    const isWholeName = isBorder(before, '{') && isBorder(after, '}')
    if (stars < 2 || !isWholeName) return { kind: 'many', accepts: withinName }
    if (after !== '/') return { kind: 'many', accepts: anything }
    this.#at++
    return { kind: 'names' }
  }

  #set(): Part {
    const isNegated = this.#characters[this.#at] === '!' || this.#characters[this.#at] === '^'
    if (isNegated) this.#at++
    const ranges: [number, number][] = []
    // A closing bracket that comes first is itself.
    for (let isFirst = true; isFirst || this.#characters[this.#at] !== ']'; isFirst = false) {
      const from = this.#setCharacter()
      const isRange = this.#characters[this.#at] === '-' && this.#characters[this.#at + 1] !== ']'
      if (isRange) this.#at++
      const to = isRange ? this.#setCharacter() : from
      if (to < from) throw new SyntaxError('has a range that ends before it begins')
      ranges.push([from, to])
    }
    this.#at++
    const isInSet = (code: number) => ranges.some(([from, to]) => code >= from && code <= to)
    return { kind: 'one', accepts: (code) => code !== slash && isInSet(code) !== isNegated }
  }

  #setCharacter(): number {
    if (this.#characters[this.#at] === '\\') this.#at++
    const character = this.#characters[this.#at++]
    if (character === undefined) throw new SyntaxError('has a bracket that is not closed')
    return codeOf(character)
  }

  #braces(): Part {
    const choices = [this.sequence(true)]
    while (this.#characters[this.#at] === ',') {
      this.#at++
      choices.push(this.sequence(true))
    }
    if (this.#characters[this.#at++] !== '}') throw new SyntaxError('has a brace that is not closed')
    return { kind: 'either', choices }
  }
}

/** A state reads one accepted character and goes on, or goes on to others without reading. */
interface State {
  readonly accepts: ((code: number) => boolean) | undefined
  next: readonly number[]
}

/** All the states that one beginning of a value may have led to. */
interface StateSet {
  readonly states: readonly number[]
  readonly isMatch: boolean
  /** What each character leads to, as far as one has come by. */
  readonly after: Map<number, StateSet>
}

const mostSets = 2_000

/** Follows all ways through the glob at once, so that none is ever tried again (Thompson, 1968). */
class Machine {
  readonly #states: State[] = [{ accepts: undefined, next: [] }]
  readonly accept = 0

  /** Adds states that read `parts` and then go to `next`; gives the first. */
  add(parts: readonly Part[], next: number): number {
    return parts.reduceRight((after, part) => this.#addPart(part, after), next)
  }

  /** A matcher from `start`. What a set of states does with a character is worked out once and kept, for at most some thousand sets. */
  from(start: number): Glob {
    let known = 0
    const sets = new Map<string, StateSet>()
    const setOf = (states: readonly number[]): StateSet => {
      const reached = this.#reach(states)
      const key = reached.join()
      const before = sets.get(key)
      if (before) return before
      if (++known > mostSets) sets.clear()
      const made: StateSet = { states: reached, isMatch: reached.includes(this.accept), after: new Map() }
      sets.set(key, made)
      return made
    }
    const first = setOf([start])
    return (value) => {
      let current = first
      for (const character of value.normalize('NFC')) {
        const code = codeOf(character)
        let next = current.after.get(code)
        if (!next) {
          next = setOf(current.states.flatMap((at) => (this.#states[at]?.accepts?.(code) ? this.#states[at].next : [])))
          if (known <= mostSets) current.after.set(code, next)
        }
        if (next.states.length === 0) return false
        current = next
      }
      return current.isMatch
    }
  }

  #addPart(part: Part, next: number): number {
    if (part.kind === 'one') return this.#push(part.accepts, [next])
    if (part.kind === 'either')
      return this.#push(
        undefined,
        part.choices.map((choice) => this.add(choice, next)),
      )
    const loop = this.#push(undefined, [next])
    const back = part.kind === 'many' ? this.#push(part.accepts, [loop]) : this.#addName(loop)
    this.#states[loop] = { accepts: undefined, next: [back, next] }
    return loop
  }

  /** Reads one name and the slash behind it. */
  #addName(next: number): number {
    const end = this.#push((code) => code === slash, [next])
    const loop = this.#push(undefined, [end])
    const character = this.#push(withinName, [loop])
    this.#states[loop] = { accepts: undefined, next: [character, end] }
    return loop
  }

  #push(accepts: State['accepts'], next: readonly number[]): number {
    return this.#states.push({ accepts, next }) - 1
  }

  /** Every reading state, and the accepting one, that `states` lead to without reading. */
  #reach(states: readonly number[]): number[] {
    const reached: number[] = []
    const seen = new Set<number>()
    const open = [...states]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const state = this.#states[at]
      if (!state || seen.has(at)) continue
      seen.add(at)
      if (state.accepts || at === this.accept) reached.push(at)
      else open.push(...state.next)
    }
    return reached.sort((a, b) => a - b)
  }
}

function literal(character: string): Part {
  const code = codeOf(character)
  return { kind: 'one', accepts: (given) => given === code }
}

function isBorder(character: string | undefined, brace: '{' | '}'): boolean {
  return character === undefined || character === '/' || character === ',' || character === brace
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0
}
