/**
 * `keelson config`: every value that `keelson start` would use and where it comes from. It reads the configuration itself and needs no
 * running system.
 */
import type { ConfigEntry } from '@keelson/kernel'
import { loadSystemConfig } from '@keelson/services'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import { configFileOf, type GlobalOptions } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'
import { withStartConfig } from './start.ts'

export function addConfigCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('config [section]')
    .description('the configuration that a start would use, each value with its origin; secrets are not shown')
    .action(async (section: string | undefined, _: unknown, command: Command) => {
      const given: GlobalOptions = command.optsWithGlobals()
      if (!found) throw cliErrors.SYSTEM_NOT_FOUND({ folder: process.cwd() })
      const configuration = await loadSystemConfig(withStartConfig(found.system), {
        environment: process.env,
        file: configFileOf(found),
        overrides: given.data === undefined ? {} : { 'system.data': given.data },
      })
      const { environment, sections } = configuration
      if (section !== undefined && !sections.includes(section)) {
        const known = sections.toSorted().join(', ')
        throw cliErrors.COMMAND_INVALID({
          reason: `"${section}" is no section of the configuration; there are ${known}`,
        })
      }
      const values = configuration.origins(section)
      const terminal = createTerminal(given.json === true)
      if (terminal.isJson) terminal.printJson({ environment, values })
      else {
        terminal.print(`${terminal.bold('environment')}  ${environment}\n`)
        for (const line of table(values, terminal)) terminal.print(line)
      }
    })
}

function table(values: readonly ConfigEntry[], terminal: Terminal): string[] {
  const cells = values.map(({ path, value, origin }) => ({
    path,
    text: JSON.stringify(value) ?? String(value),
    origin,
  }))
  const pathWidth = Math.max(0, ...cells.map(({ path }) => path.length))
  const textWidth = Math.min(48, Math.max(0, ...cells.map(({ text }) => text.length)))
  return cells.map(
    ({ path, text, origin }) =>
      `${terminal.bold(path.padEnd(pathWidth))}  ${text.padEnd(textWidth)}  ${terminal.dim(origin)}`,
  )
}
