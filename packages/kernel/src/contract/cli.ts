/**
 * `cli()` gives an operation a command of its own, and `progress()` says how its items read as a bar. They are data here; the command
 * line reads them, so that it never imports an application.
 */
import { type Annotation, defineAnnotation, type OperationShape } from './annotation.ts'
import type { OperationKind } from './operation.ts'

/** How an operation appears on the command line. */
export interface CliCommand<Output = never> {
  /**
   * The command and its positional inputs: `index <folder>`; `search <query...>` joins several words; `orders list` is `list` under `orders`.
   * Every other input is an option: `--limit 5`. A subscription prints its items as they come, or shows a bar where it has `progress()`.
   */
  readonly usage: string
  /** Inputs that name a file or folder: made absolute where the command is typed, not where the service runs. */
  readonly paths?: readonly string[]
  /** What a person reads, of an item when it is a subscription; with `--json` the whole output is printed instead. */
  readonly text?: (output: Output) => string
  /**
   * A subscription of the same service that is read to its end, with a progress bar, once the command has answered. Its items are of the
   * output's type, and the last one stands in for the output.
   */
  readonly follow?: { readonly operation: string; readonly input: (output: Output) => unknown }
}

/** One state of something that takes a while, as a bar shows it. */
export interface Progress {
  readonly done: number
  readonly total: number
  /** What is being done; a few words. */
  readonly label: string
  /** Why it failed, when it has. */
  readonly error?: string | null
}

const cliKind = defineAnnotation<CliCommand>('cli')
const progressKind = defineAnnotation<(item: never) => Progress>('progress')

export function cli<Output>(command: CliCommand<Output>): Annotation<OperationShape<OperationKind, unknown, Output>> {
  return cliKind.on(command)
}

export function progress<Item>(
  toProgress: (item: Item) => Progress,
): Annotation<OperationShape<'subscription', unknown, Item>> {
  return progressKind.on(toProgress)
}

export const readCli = cliKind.read
export const readProgress = progressKind.read
