/**
 * The configuration file: JSON of sections, and under `environments` what holds in one environment only. Its text may hold secrets, so
 * that no message repeats any of it; what is wrong is said by line and column.
 */
import { kernelErrors } from '../errors.ts'
import { readTextFile } from './text-file.ts'

export interface ConfigFile {
  readonly path: string
  /** False: the file may be missing. */
  readonly isRequired: boolean
}

/** What a file held; both undefined when it is missing and need not be there. */
export interface ConfigFileContent {
  readonly text: string | undefined
  readonly values: unknown
}

const bytesAtMost = 1_048_576

/** Rejects with CONFIG_UNREADABLE. */
export async function readConfigFile({ path, isRequired }: ConfigFile): Promise<ConfigFileContent> {
  const file = await readTextFile(path, bytesAtMost)
  if (file.reason === undefined) return { text: file.text, values: parse(file.text, path) }
  if (file.isMissing && !isRequired) return { text: undefined, values: undefined }
  throw kernelErrors.CONFIG_UNREADABLE({ file: path, reason: file.reason })
}

/** The error is made without its cause on purpose: the engine's message quotes the text. */
function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw kernelErrors.CONFIG_UNREADABLE({ file, reason: `it is not JSON: ${reasonOf(error, text)}` })
  }
}

function reasonOf(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : ''
  const placed = /^(.*?) in JSON at position (\d+)/s.exec(message) ?? /^(.*?) at position (\d+)/s.exec(message)
  if (placed) return `${placed[1]} ${placeIn(text, Number(placed[2]))}`
  if (message.startsWith('Unexpected end')) return 'it ends too early'
  return `unexpected text ${placeIn(text, firstUnexpected(text))}`
}

/** The engine does not say where an unexpected token is; the shortest beginning that has one ends with it. */
function firstUnexpected(text: string): number {
  let [good, bad] = [0, text.length]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (hasUnexpectedToken(text.slice(0, middle))) bad = middle
    else good = middle
  }
  return good
}

function hasUnexpectedToken(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return error instanceof Error && error.message.startsWith('Unexpected token')
  }
}

function placeIn(text: string, position: number): string {
  const lines = text.slice(0, position).split('\n')
  return `at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
