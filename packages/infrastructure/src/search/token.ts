/** What a text is cut into before it is indexed or searched for. */

/** A term and the [start, end) in UTF-16 units of the text it stands for. Tokens of one text may overlap. */
export interface Token {
  readonly term: string
  readonly start: number
  readonly end: number
  readonly kind: TokenKind
}

/**
 * - `word`: a word, a number, or two neighbouring characters of a script that is written without spaces. Only these make up the length
 *   of a text.
 * - `compound`: the whole of an identifier whose parts are words of their own: `fooBar`, `foo_bar`, `foo-bar.ts`.
 * - `stop`: an English stop word. Its term never equals that of a word.
 * - `character`: one Han or Hangul character within a run, for queries of one character.
 */
export type TokenKind = 'word' | 'compound' | 'stop' | 'character'
