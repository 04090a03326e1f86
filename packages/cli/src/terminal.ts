/** What is printed, and how: colours and bars on a terminal only, JSON when asked for, errors always on the error stream. */
import { styleText } from 'node:util'
import type { Progress } from '@keelson/kernel'

export interface Terminal {
  readonly isJson: boolean
  /** The command's result, for people or programs. */
  print(text: string): void
  printJson(value: unknown): void
  /** Remarks beside the result; nothing with --json. */
  note(text: string): void
  /**
   * Shows progress on one line, which the next state replaces; the last one stays. Off a terminal only the last is printed, in words.
   * What is shown after `end` is not.
   */
  bar(): ProgressBar
  bold(text: string): string
  dim(text: string): string
}

export interface ProgressBar {
  show(progress: Progress): void
  /** Safe to repeat. */
  end(): void
}

export function createTerminal(isJson: boolean): Terminal {
  const { stdout, stderr } = process
  const isStyled = stdout.isTTY === true && !process.env['NO_COLOR']
  const style = (format: 'bold' | 'dim') => (text: string) => (isStyled ? styleText(format, text) : text)
  return {
    isJson,
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => {
      if (!isJson) stdout.write(`${text}\n`)
    },
    bar() {
      let last: Progress | undefined
      let isEnded = isJson
      return {
        show(progress) {
          if (isEnded) return
          last = progress
          // A terminal that does not know its width says 0.
          if (stderr.isTTY) stderr.write(`\r\u001b[2K${barLine(progress, stderr.columns || 80)}`)
        },
        end() {
          if (isEnded) return
          isEnded = true
          if (last) stderr.write(stderr.isTTY ? '\n' : `${inWords(last)}\n`)
        },
      }
    },
    bold: style('bold'),
    dim: style('dim'),
  }
}

function inWords({ done, total, label }: Progress): string {
  return `${done}/${total}  ${label}`
}

function barLine(progress: Progress, columns: number): string {
  const { done, total, label } = progress
  const width = Math.max(10, Math.min(30, columns - label.length - 20))
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.round(share * width)
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${inWords(progress)}`.slice(0, columns - 1)
}
