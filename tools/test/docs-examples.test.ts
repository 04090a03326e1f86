import { describe, expect, test } from 'vitest'
import { examplesOf } from '../docs-examples.ts'

const exported = new Map([
  ['Registry', '@keelson/services'],
  ['query', '@keelson/kernel'],
])

function page(example: string, granted = ''): string {
  return `# Page\n\n\`\`\`ts\n${example}\n\`\`\`\n\n<!-- examples take for granted\n${granted}\n-->\n`
}

describe('examplesOf()', () => {
  test('says where an example stands and leaves other languages alone', () => {
    const markdown = `\`\`\`sh\nls\n\`\`\`\n\n${page('const a = 1')}`
    expect(examplesOf('a.md', markdown, exported).map(({ place }) => place)).toEqual(['a.md:8'])
  })

  test('imports what an example uses of ours, and nothing that it has itself', () => {
    const [first] = examplesOf('a.md', page('new Registry()'), exported)
    expect(first?.code).toContain("import { Registry } from '@keelson/services'")
    expect(first?.code).not.toContain('query')
    const [own] = examplesOf(
      'a.md',
      page("import { Registry } from 'elsewhere'\nconst { query } = new Registry()"),
      exported,
    )
    expect(own?.code).not.toContain('@keelson')
  })

  test('declares what the page takes for granted, unless the example does', () => {
    const granted = 'declare const port: number\ninterface Ship {\n  name: string\n}'
    const [example] = examplesOf('a.md', page('listen(port)', granted), exported)
    expect(example?.code).toContain('declare const port: number')
    expect(example?.code).toContain('interface Ship')
    const [own] = examplesOf('a.md', page('const port = 1', granted), exported)
    expect(own?.code).not.toContain('declare const port')
    expect(own?.code).toContain('interface Ship {\n  name: string\n}')
  })
})
