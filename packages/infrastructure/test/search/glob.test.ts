import { describe, expect, it } from 'vitest'
import { compileGlob } from '../../src/search/glob.ts'

describe('compileGlob()', () => {
  it.each([
    ['keel.md', ['keel.md'], ['keel_md', 'a/keel.md', 'keel.mdx']],
    ['*.md', ['keel.md', '.md', '.hidden.md'], ['a/keel.md', 'keel.txt']],
    ['**', ['keel.md', 'a/b/c.md', ''], []],
    ['**/*.md', ['keel.md', 'a/keel.md', 'a/b/keel.md'], ['a/keel.txt']],
    ['guides/**', ['guides/a.md', 'guides/a/b.md'], ['guide/a.md', 'guides', 'my/guides/a.md']],
    ['guides/**/*.md', ['guides/a.md', 'guides/a/b/c.md'], ['guides/a.txt']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['a/bz', 'az']],
    ['a**b', ['ab', 'axxb'], ['a/b']],
    ['a?c', ['abc', 'a😀c'], ['ac', 'a/c']],
    ['[a-c]x', ['ax', 'cx'], ['dx', 'x']],
    ['\u00dcb[u\u00fc]?g/**', ['\u00dcbung/a.md', 'U\u0308bu\u0308ng/a.md'], ['Ubung/a.md']],
    ['U\u0308bung', ['\u00dcbung'], ['U']],
    ['[!a-c]x', ['dx'], ['ax', '/x']],
    ['[]a]', [']', 'a'], ['b']],
    ['[a-]', ['a', '-'], ['b']],
    ['{a,b/c}.md', ['a.md', 'b/c.md'], ['c.md']],
    ['{a,b{1,2}}*', ['ax', 'b1', 'b2y'], ['b', 'b3']],
    ['{**,x}/a', ['y/z/a', 'x/a'], ['b']],
    ['notes (1).md', ['notes (1).md'], ['notes 1.md']],
    ['a+b|c^$.md', ['a+b|c^$.md'], ['aab.md']],
    ['\\*\\{', ['*{'], ['a{']],
    ['a,b}', ['a,b}'], ['a']],
  ])('%s', (glob, matching, others) => {
    const matches = compileGlob(glob)
    expect(matching.filter((value) => !matches(value))).toEqual([])
    expect(others.filter((value) => matches(value))).toEqual([])
  })

  it.each(['', '[a', '[', '{a,b', '[z-a]', 'a\\'])('refuses %j', (glob) => {
    expect(() => compileGlob(glob)).toThrow(SyntaxError)
  })

  it('answers at once for globs that are made to take for ever', () => {
    const value = `${'a'.repeat(500)}b`
    for (const glob of [
      `${'*a'.repeat(300)}c`,
      `${'*?'.repeat(300)}/x`,
      `${'{a,a*}'.repeat(150)}c`,
      `${'**/'.repeat(300)}c`,
    ]) {
      expect(compileGlob(glob)(value)).toBe(false)
    }
  })
})
