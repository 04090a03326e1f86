import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { indexPage, markdownOf, packagePage, readPackages } from '../api-reference.ts'
import { exportedNames } from '../exported-declarations.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keelson-api-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

describe('exportedNames()', () => {
  test('follows re-exports and new names to the declaration', () => {
    write(
      'ropes.ts',
      '/** Not this one. */\nexport const hidden = 1\n/** Ties. */\nexport function tie(a: string): void {}\n',
    )
    write('knots.ts', "export { tie as knot } from './ropes.ts'\n")
    const index = write('index.ts', "export { knot as bend } from './knots.ts'\n")
    expect(exportedNames(index)).toEqual([
      {
        name: 'bend',
        file: join(root, 'ropes.ts'),
        kind: 'function',
        documentation: 'Ties.',
        declaration: 'function tie(a: string): void',
      },
    ])
  })

  test('joins a value with the type of its name, and shows overloads', () => {
    const file = write(
      'a.ts',
      `/** The port. */
export interface Sea { readonly depth: number }
export const Sea = definePort<Sea>('sea')
export function sail(to: string): void
export function sail(to: string, by: Date): void
export function sail(): void {}`,
    )
    const [sea, again, ...sails] = exportedNames(file)
    expect(sea).toEqual(again)
    expect(sea).toMatchObject({
      kind: 'value',
      documentation: 'The port.',
      declaration: "interface Sea { readonly depth: number }\n\nconst Sea = definePort<Sea>('sea')",
    })
    expect(sails[0]?.declaration).toContain(
      'function sail(to: string): void\n\nfunction sail(to: string, by: Date): void',
    )
  })

  test('shows what a class promises and hides what is its own', () => {
    const file = write(
      'boat.ts',
      `export class Boat<Crew> extends Hull {
  readonly #log = []
  /** Its name. */
  readonly name: string = 'Ann'
  constructor(crew: Crew) { super() }
  /** Goes. */
  async go(to: string): Promise<void> { await this.#go(to) }
  #go(to: string) {}
}`,
    )
    expect(exportedNames(file)[0]?.declaration).toBe(`class Boat<Crew> extends Hull {
  /** Its name. */
  readonly name: string
  constructor(crew: Crew)
  /** Goes. */
  async go(to: string): Promise<void>
}`)
  })

  test('shortens values, and keeps written types', () => {
    const file = write(
      'values.ts',
      `export const limits: readonly number[] = [1]
export const double = (x: number): number => x * 2
export const errors = defineErrors({ ${'LONG: 1, '.repeat(60)} })`,
    )
    expect(exportedNames(file).map(({ declaration }) => declaration)).toEqual([
      'const limits: readonly number[]',
      'const double = (x: number): number => …',
      'const errors = defineErrors(…)',
    ])
  })

  test('names an export that leads nowhere', () => {
    write('a.ts', 'export const a = 1\n')
    const index = write('index.ts', "export { b } from './a.ts'\n")
    expect(() => exportedNames(index)).toThrow('Cannot find the declaration of b')
  })
})

describe('markdownOf()', () => {
  test('makes code of an example and words of other tags', () => {
    expect(
      markdownOf(
        'Ties. See {@link knot}.\n\n@param rope - which\n@throws KNOT_LOOSE when wet.\n@example\nawait tie(rope)',
      ),
    ).toBe('Ties. See `knot`.\n\n`rope`: which\n\nThrows KNOT_LOOSE when wet.\n\n```ts\nawait tie(rope)\n```')
  })
})

describe('packagePage()', () => {
  test('lists entries with links that tell names apart by number, as headings do', () => {
    write('packages/ropes/src/index.ts', 'export function tie(): void {}\nexport type Tie = string\n')
    write('packages/ropes/src/testing.ts', '/** A weak one. */\nexport const tie: string = ""\n')
    write(
      'packages/ropes/package.json',
      JSON.stringify({
        name: '@keelson/ropes',
        description: 'Ropes.',
        exports: { '.': './src/index.ts', './testing': './src/testing.ts' },
      }),
    )
    const packages = readPackages(root)
    expect(indexPage(packages)).toContain('| [`@keelson/ropes`](ropes.md) | Ropes. |')
    const page = packages.map((one) => packagePage(one, root)).join()
    expect(page).toContain('Functions: [`tie`](#tie)\n\nTypes: [`Tie`](#tie-1)\n')
    expect(page).toContain('## @keelson/ropes/testing\n\nValues: [`tie`](#tie-2)\n\n### tie\n\nA weak one.\n')
    expect(page).toContain('Source: [packages/ropes/src/index.ts](../../../packages/ropes/src/index.ts)')
  })
})
