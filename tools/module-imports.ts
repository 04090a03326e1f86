/**
 * What one source file imports and re-exports, read from its syntax tree. Type imports are told apart from run-time ones by what is left
 * after type stripping: `import { type A } from './a.ts'` still loads the file, `import type { A } from './a.ts'` does not.
 */
import { parseSync, Visitor } from 'oxc-parser'

export interface ModuleImport {
  readonly specifier: string
  /** Nothing of it is left at run time. */
  readonly isType: boolean
  /** 1-based. */
  readonly line: number
}

export interface ParsedModule {
  /** Static and dynamic imports, re-exports and `import('…')` types, in the order of the text. */
  readonly imports: readonly ModuleImport[]
  /** Lines of `export * from` and `export * as name from`. */
  readonly starExports: readonly number[]
  /** The parser's own words; the imports of a file with errors are not to be trusted. */
  readonly errors: readonly string[]
}

/** @param path decides the dialect: `.ts` or `.tsx`. */
export function parseModule(path: string, text: string): ParsedModule {
  const parsed = parseSync(path, text)
  const imports: (ModuleImport & { start: number })[] = []
  const starExports: number[] = []
  const add = (node: { start: number }, source: { value: unknown } | null, isType: boolean): void => {
    if (typeof source?.value !== 'string') return
    imports.push({ specifier: source.value, isType, line: lineAt(text, node.start), start: node.start })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node, node.source, node.importKind === 'type'),
    ExportNamedDeclaration: (node) => add(node, node.source, node.exportKind === 'type'),
    ExportAllDeclaration: (node) => {
      add(node, node.source, node.exportKind === 'type')
      starExports.push(lineAt(text, node.start))
    },
    ImportExpression: (node) => add(node, literalOf(text, node.source), false),
    TSImportType: (node) => add(node, node.source, true),
  }).visit(parsed.program)
  imports.sort((a, b) => a.start - b.start)
  return {
    imports: imports.map(({ specifier, isType, line }) => ({ specifier, isType, line })),
    starExports,
    errors: parsed.errors.map((error) => error.message),
  }
}

/** A string or a template without holes; anything computed is nobody's to check. */
function literalOf(text: string, node: { type: string; start: number; end: number }): { value: string } | null {
  const source = text.slice(node.start, node.end)
  if (node.type === 'Literal' || (node.type === 'TemplateLiteral' && !source.includes('${')))
    return { value: source.slice(1, -1) }
  return null
}

function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
