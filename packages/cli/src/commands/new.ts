/**
 * `keelson new`: a project that runs, or one more service in it. What is written are the files of `templates/`, which are compiled and
 * tested here like any other code. A project appears under its name only when it is complete.
 */
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reasonOf } from '@keelson/kernel'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import { locateSystem } from '../find-system.ts'
import { type NameForms, serviceName, systemName } from '../project-names.ts'
import type { GlobalOptions } from '../target.ts'
import { createTerminal } from '../terminal.ts'

const templates = fileURLToPath(new URL('../../templates/', import.meta.url))

export function addNewCommand(program: Command): void {
  const created = program
    .command('new')
    .description('write a new project, or a service of one')
    .argument('<name>', 'lower-case words joined by hyphens; the folder is called so')
    .action((name: string, _: unknown, command: Command) => {
      const forms = systemName(name)
      const files = writeProject(process.cwd(), forms)
      const next = [`cd ${name}`, 'npm install', 'npm run dev']
      report(command, files, `Next:\n${next.map((line) => `  ${line}`).join('\n')}`)
    })
  created
    .command('service')
    .description('add a service to the project of this folder')
    .argument('<name>', 'lower-case words joined by hyphens')
    .action((name: string, _: unknown, command: Command) => {
      const options: GlobalOptions = command.optsWithGlobals()
      const forms = serviceName(name)
      const found = locateSystem(process.cwd(), options.config)
      if (!found) throw cliErrors.SYSTEM_NOT_FOUND({ folder: process.cwd() })
      report(
        command,
        writeService(found.file, forms),
        `${name} is in ${basename(found.file)} and starts with the system`,
      )
    })
}

function report(command: Command, files: readonly string[], remark: string): void {
  const options: GlobalOptions = command.optsWithGlobals()
  const terminal = createTerminal(options.json === true)
  if (terminal.isJson) terminal.printJson({ files })
  else for (const file of files) terminal.print(file)
  terminal.note(`\n${remark}`)
}

/** Writes the project into a new or empty folder below `parent`. Returns the files, from `parent`. */
function writeProject(parent: string, forms: NameForms): string[] {
  const target = join(parent, forms.kebab)
  if (isTaken(target)) throw cliErrors.PROJECT_FOLDER_TAKEN({ folder: target })
  const staging = join(parent, `.${forms.kebab}.${process.pid}`)
  return writing(target, () => {
    try {
      const files = templateFiles('system').map(({ path, text }) => {
        write(join(staging, path), text.replaceAll('first-system', forms.kebab))
        return join(forms.kebab, path)
      })
      renameSync(staging, target)
      return files
    } catch (error) {
      rmSync(staging, { recursive: true, force: true })
      throw error
    }
  })
}

/** Adds the service's files and its line in the configuration. Nothing is written when any of it cannot be. */
function writeService(config: string, forms: NameForms): string[] {
  const root = dirname(config)
  const files = templateFiles('service').map(({ path, text }) => ({
    path: inForms(path, forms),
    text: inForms(text, forms),
  }))
  const taken = files.find(({ path }) => existsSync(join(root, path)))
  if (taken) throw cliErrors.PROJECT_SERVICE_TAKEN({ service: forms.kebab, file: join(root, taken.path) })
  const changed = addToConfig(readFileSync(config, 'utf8'), forms, config)
  return writing(root, () => {
    for (const { path, text } of files) write(join(root, path), text)
    write(config, changed)
    return [...files.map(({ path }) => path), relative(root, config)]
  })
}

/** The configuration with the import of the service behind the last one, and the service last in the first `services: […]`. */
function addToConfig(text: string, { kebab, camel }: NameForms, file: string): string {
  const line = `import { ${camel} } from './services/${kebab}/service.ts'`
  const list = /\bservices:\s*\[([^\]]*)\]/.exec(text)
  const lastImport = [...text.matchAll(/^import\b[^;]*?['"][^'"\n]+['"];?[^\S\n]*$/gm)].at(-1)
  if (!list || !lastImport) throw cliErrors.PROJECT_CONFIG_UNCLEAR({ file, line, service: camel })
  const [found, inside = ''] = list
  if (new RegExp(`\\b${camel}\\b`).test(inside)) throw cliErrors.PROJECT_SERVICE_TAKEN({ service: kebab, file })
  const end = list.index + found.length - 1
  const importEnd = lastImport.index + lastImport[0].length
  const listed = withItem(inside, camel)
  return `${text.slice(0, importEnd)}\n${line}${text.slice(importEnd, end - inside.length)}${listed}${text.slice(end)}`
}

/** The text between the brackets of a list, on one line or several, with one more item. */
function withItem(inside: string, item: string): string {
  const items = inside.trimEnd()
  if (items.trim() === '') return item
  const indent = /\n([^\S\n]*)\S/.exec(inside)?.[1]
  const comma = items.endsWith(',') ? '' : ','
  if (indent === undefined) return `${items}${comma} ${item}`
  return `${items}${comma}\n${indent}${item},${inside.slice(items.length)}`
}

function templateFiles(template: string): { path: string; text: string }[] {
  const folder = join(templates, template)
  return globSync('**/*', { cwd: folder })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort()
    .map((path) => ({
      // npm leaves a .gitignore out of what it packs.
      path: path === 'gitignore' ? '.gitignore' : path,
      text: readFileSync(join(folder, path), 'utf8'),
    }))
}

function inForms(text: string, { kebab, camel, pascal }: NameForms): string {
  return text.replaceAll('sample-name', kebab).replaceAll('sampleName', camel).replaceAll('SampleName', pascal)
}

function isTaken(folder: string): boolean {
  if (!existsSync(folder)) return false
  return !statSync(folder).isDirectory() || readdirSync(folder).length > 0
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function writing<T>(folder: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const reason = reasonOf(cause)
    throw cliErrors.PROJECT_UNWRITABLE({ folder: resolve(folder), reason }, { cause })
  }
}
