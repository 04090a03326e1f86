/** Every code the command line can raise. `docs/reference/errors.md` is generated from it. */
import { defineErrors } from '@keelson/kernel'

export const cliErrors = defineErrors({
  SYSTEM_NOT_FOUND: {
    kind: 'invalid',
    when: 'No keelson.config.ts is found from the working folder upwards, and no package.json names one.',
    message: (d: { folder: string }) =>
      `Cannot find a system: there is no keelson.config.ts in "${d.folder}" or above. Name one with --config`,
  },
  SYSTEM_UNREADABLE: {
    kind: 'invalid',
    when: 'The configuration module cannot be loaded, or does not export a system by default.',
    message: (d: { file: string; reason: string }) => `Cannot load the system from "${d.file}": ${d.reason}`,
  },
  SYSTEM_NOT_RUNNING: {
    kind: 'unavailable',
    when: 'A command needs a running system and none answers (exit code 3).',
    message: (d: { place: string }) => `No system is running ${d.place}. Start one with: keelson start`,
  },
  COMMAND_INVALID: {
    kind: 'invalid',
    when: 'A command line cannot be understood.',
    message: (d: { reason: string }) => d.reason,
  },
  COMMAND_DUPLICATE: {
    kind: 'invalid',
    when: 'Two operations, or an operation and a built-in command, want the same command name, or an input has the name of an option that every command has.',
    message: (d: { command: string; operation: string }) =>
      `Cannot add the command "${d.command}" of ${d.operation}: the name is taken`,
  },
  COMMAND_FAILED: {
    kind: 'internal',
    when: 'Following an operation to its end showed that it failed.',
    message: (d: { operation: string; reason: string }) => `${d.operation} failed: ${d.reason}`,
  },
  PROJECT_NAME_INVALID: {
    kind: 'invalid',
    when: '`keelson new` is given a name that cannot name a system or a service.',
    message: (d: { name: string; reason: string }) => `Cannot use the name "${d.name}": ${d.reason}`,
  },
  PROJECT_FOLDER_TAKEN: {
    kind: 'invalid',
    when: '`keelson new` would write into a folder that has something in it.',
    message: (d: { folder: string }) => `Cannot write a project to "${d.folder}": it is there and not empty`,
  },
  PROJECT_SERVICE_TAKEN: {
    kind: 'invalid',
    when: '`keelson new service` is given the name of a service that the project has, or would overwrite a file.',
    message: (d: { service: string; file: string }) => `Cannot add the service "${d.service}": it is in "${d.file}"`,
  },
  PROJECT_CONFIG_UNCLEAR: {
    kind: 'invalid',
    when: 'The configuration has no imports or no `services: […]` to which a service could be added.',
    message: (d: { file: string; line: string; service: string }) =>
      `Cannot add the service to "${d.file}": it has no imports or no list "services: […]". Add ${d.line} and ${d.service} by hand`,
  },
  PROJECT_UNWRITABLE: {
    kind: 'internal',
    when: 'The files of a project cannot be written.',
    message: (d: { folder: string; reason: string }) => `Cannot write to "${d.folder}": ${d.reason}`,
  },
})
