/**
 * What an entry point of a package exports: each name with its documentation and its declaration, as they stand in the source. Read from
 * syntax alone, without a type checker, which is enough because exports are listed by hand and signatures are written out.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'oxc-parser'

/** One exported name. A value and a type of the same name are one, with two declarations. */
export interface ExportedName {
  readonly name: string
  /** The module that declares it. */
  readonly file: string
  readonly kind: 'function' | 'value' | 'type'
  /** The text of its documentation comments, without their stars. */
  readonly documentation: string
  /** Declarations without bodies. */
  readonly declaration: string
}

type Statement = ReturnType<typeof parseSync>['program']['body'][number]
type ExportStatement = Extract<Statement, { type: 'ExportNamedDeclaration' }>
type Declared = NonNullable<ExportStatement['declaration']>
type Class = Extract<Declared, { body: { type: 'ClassBody' } }>
type Variable = Extract<Declared, { type: 'VariableDeclaration' }>['declarations'][number]

interface Module {
  readonly file: string
  readonly text: string
  readonly body: readonly Statement[]
  readonly comments: readonly { type: string; value: string; start: number; end: number }[]
}

/** Every name that a module exports, in the order of the text. Throws when one leads to no declaration. */
export function exportedNames(file: string): ExportedName[] {
  const module = readModule(file)
  return module.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration') return []
    if (statement.declaration) return namesOf(statement.declaration).map((name) => findExport(file, name, name))
    return statement.specifiers.map(({ local, exported }) =>
      findExport(
        statement.source ? join(dirname(file), statement.source.value) : file,
        nameOf(local),
        nameOf(exported),
      ),
    )
  })
}

function findExport(file: string, name: string, publicName: string): ExportedName {
  const module = readModule(file)
  const declarations: { statement: Statement; declared: Declared }[] = []
  for (const statement of module.body) {
    if (statement.type === 'ExportNamedDeclaration') {
      const passed = statement.specifiers.find(({ exported }) => nameOf(exported) === name)
      if (passed && statement.source)
        return findExport(join(dirname(file), statement.source.value), nameOf(passed.local), publicName)
      if (statement.declaration && namesOf(statement.declaration).includes(name))
        declarations.push({ statement, declared: statement.declaration })
    }
  }
  if (declarations.length === 0) throw new Error(`Cannot find the declaration of ${name} in ${file}`)
  return {
    name: publicName,
    file,
    kind: kindOf(declarations.map(({ declared }) => declared)),
    documentation: declarations
      .map(({ statement }) => documentationBefore(module, statement.start))
      .filter((text) => text !== '')
      .join('\n\n'),
    declaration: declarations.map(({ declared }) => signature(module, declared, name)).join('\n\n'),
  }
}

function readModule(file: string): Module {
  if (!existsSync(file)) throw new Error(`Cannot read ${file}: it is not there`)
  const text = readFileSync(file, 'utf8')
  const { program, comments } = parseSync(file, text)
  return { file, text, body: program.body, comments }
}

function namesOf(declared: Declared): string[] {
  if (declared.type === 'VariableDeclaration')
    return declared.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  return 'id' in declared && declared.id?.type === 'Identifier' ? [declared.id.name] : []
}

function nameOf(specifier: { type: string; name?: string; value?: string }): string {
  return specifier.name ?? specifier.value ?? ''
}

function kindOf(declared: readonly Declared[]): ExportedName['kind'] {
  if (declared.some(({ type }) => type === 'FunctionDeclaration' || type === 'TSDeclareFunction')) return 'function'
  return declared.some(({ type }) => type === 'VariableDeclaration' || type === 'ClassDeclaration') ? 'value' : 'type'
}

/** The text of the comment that ends right before `start`. */
function documentationBefore({ text, comments }: Module, start: number): string {
  const comment = comments.findLast(({ end }) => end <= start)
  if (!comment?.value.startsWith('*') || text.slice(comment.end, start).trim() !== '') return ''
  return comment.value
    .slice(1)
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
}

function signature(module: Module, declared: Declared, name: string): string {
  const { text } = module
  switch (declared.type) {
    case 'FunctionDeclaration':
      return text
        .slice(declared.start, declared.body?.start ?? declared.end)
        .trim()
        .replace(/^async /, '')
    case 'ClassDeclaration':
      return classSignature(module, declared)
    case 'VariableDeclaration': {
      const variable = declared.declarations.find(({ id }) => id.type === 'Identifier' && id.name === name)
      return variable ? `const ${variableSignature(module, variable, name)}` : name
    }
    default:
      return text.slice(declared.start, declared.end).trim()
  }
}

/** With its type when that is written, and its value when that is short. */
function variableSignature({ text }: Module, { id, init }: Variable, name: string): string {
  if (id.type === 'Identifier' && id.typeAnnotation) return text.slice(id.start, id.typeAnnotation.end)
  if (!init) return name
  if (init.type === 'ArrowFunctionExpression') return `${name} = ${text.slice(init.start, init.body.start).trim()} …`
  const value = text.slice(init.start, init.end)
  if (value.length <= 240) return `${name} = ${value}`
  return init.type === 'CallExpression'
    ? `${name} = ${text.slice(init.callee.start, init.callee.end)}(…)`
    : `${name} = …`
}

/** The public members, each with its comment, without bodies. */
function classSignature(module: Module, declared: Class): string {
  const { text } = module
  const lines = declared.body.body.flatMap((member) => {
    if (!('key' in member) || member.key.type === 'PrivateIdentifier') return []
    const documentation = documentationBefore(module, member.start)
    const comment = documentation === '' ? [] : [`  /** ${documentation.replaceAll('\n', '\n   * ')} */`]
    const isMethod = member.type === 'MethodDefinition' || member.type === 'TSAbstractMethodDefinition'
    const end = isMethod ? member.value.body?.start : member.value?.start
    return [...comment, `  ${text.slice(member.start, end ?? member.end).replace(/[\s=;]+$/, '')}`]
  })
  return `${text.slice(declared.start, declared.body.start).trim()} {\n${lines.join('\n')}\n}`
}
