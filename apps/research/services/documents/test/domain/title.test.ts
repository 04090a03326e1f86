import { expect, test } from 'vitest'
import { titleInMarkdown, titleOf } from '../../src/domain/title.ts'

const titleOfMarkdown = (text: string) => titleOf(titleInMarkdown(text), 'guides/laying-a-keel.md')

test('titleOf() takes the title of the front matter', () => {
  expect(titleOfMarkdown('---\ntitle: Laying a keel\n---\n# Other\n')).toBe('Laying a keel')
  expect(titleOfMarkdown('---\r\nauthor: x\r\ntitle: "A \\"keel\\": how"\r\n---\r\n')).toBe('A "keel": how')
  expect(titleOfMarkdown("---\ntitle: 'It''s laid' \n...\n")).toBe("It's laid")
  expect(titleOfMarkdown('+++\ntitle = "Keel"\n+++\n')).toBe('Keel')
  expect(titleOfMarkdown('---\ntitle: Keel # the beam\n---\n')).toBe('Keel')
})

test('titleOf() takes the first heading when the front matter has no title', () => {
  expect(titleOfMarkdown('---\ntags: [a]\n---\n\ntext\n\n## Keels ##\n# Later')).toBe('Keels')
  expect(titleOfMarkdown('---\ntitle:\n---\n# Keels')).toBe('Keels')
  expect(titleOfMarkdown('---\n\n# After a rule\n')).toBe('After a rule')
  expect(titleOfMarkdown('```sh\n# not this\n```\n\n# This\n')).toBe('This')
  expect(titleOfMarkdown('Setext keels\n============\n')).toBe('Setext keels')
  expect(titleOfMarkdown('Setext keels\n---\n')).toBe('Setext keels')
  expect(titleOfMarkdown('- list\n---\n| a |\n|---|\n# Real')).toBe('Real')
  expect(titleOfMarkdown('#hashtag\n#\n# Real')).toBe('Real')
})

test('titleOf() leaves out the marks of Markdown', () => {
  expect(titleOfMarkdown('# The **bold** `keel_id` and [a link](http://x/y) ![image](z.png)')).toBe(
    'The bold keel_id and a link image',
  )
  expect(titleOfMarkdown('# snake_case_name and *this*, 2 * 3 * 4')).toBe('snake_case_name and this, 2 * 3 * 4')
})

test('titleOf() falls back to the name of the file', () => {
  expect(titleOfMarkdown('no heading')).toBe('laying-a-keel')
  expect(titleOf(undefined, 'notes/day one.txt')).toBe('day one')
})

test('titleOf() gives one line of bounded length whatever the text holds', () => {
  expect(titleOfMarkdown(`# ${'😀'.repeat(400)}`)).toBe('😀'.repeat(150))
  expect(titleOfMarkdown(`# x${'😀'.repeat(400)}`).isWellFormed()).toBe(true)
  expect(titleOfMarkdown(`# a${' '.repeat(996)}😀`)).toBe('a')
  expect(titleOf(titleInMarkdown('# \u00a0'), 'a/ .md')).toBe('a/ .md')
  expect(titleOfMarkdown('# a \t b')).toBe('a b')
  for (const text of [
    '#',
    '---',
    '---\n',
    '+++\ntitle',
    '# `',
    '# **',
    '*'.repeat(100_000),
    `# ${'*a'.repeat(50_000)}`,
    '['.repeat(100_000),
    `---\ntitle: ${'"'.repeat(50_000)}`,
  ]) {
    const title = titleOfMarkdown(text)
    expect(title).not.toBe('')
    expect(title.length).toBeLessThanOrEqual(300)
  }
})
