/** What systems and services may be called, and the forms that one name takes in the files of a project. */
import { cliErrors } from './errors.ts'

/** The forms of one kebab-case name. */
export interface NameForms {
  readonly kebab: string
  readonly camel: string
  readonly pascal: string
}

/** Words that cannot name a value in a module. */
const reservedWords = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for
  function if implements import in instanceof interface let new null package private protected public return static super switch this
  throw true try typeof undefined var void while with yield`.split(/\s+/),
)

/** Sections of the configuration that are the system's own. */
const systemSections = new Set(['listener', 'system'])

/** Throws PROJECT_NAME_INVALID unless the name can name a folder, a package and a contract. */
export function systemName(name: string): NameForms {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw cliErrors.PROJECT_NAME_INVALID({ name, reason: 'a name is lower-case words joined by hyphens' })
  if (name.length > 100) throw cliErrors.PROJECT_NAME_INVALID({ name, reason: 'it is longer than 100 characters' })
  const [first = '', ...others] = name.split('-')
  const camel = first + others.map(capitalize).join('')
  return { kebab: name, camel, pascal: capitalize(camel) }
}

/** As `systemName`, and the name must be usable for a value and a section of the configuration. */
export function serviceName(name: string): NameForms {
  const forms = systemName(name)
  if (reservedWords.has(forms.camel))
    throw cliErrors.PROJECT_NAME_INVALID({ name, reason: 'it is a word of the language' })
  if (systemSections.has(name))
    throw cliErrors.PROJECT_NAME_INVALID({ name, reason: 'it is a section of the system configuration' })
  return forms
}

function capitalize(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1)
}
