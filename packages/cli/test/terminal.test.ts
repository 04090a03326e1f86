import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTerminal } from '../src/terminal.ts'

let written: string
const { isTTY, columns } = process.stderr

/** What stderr is for the length of a test. */
function pretend(given: { isTTY: boolean; columns: number | undefined }): void {
  Object.assign(process.stderr, given)
}

beforeEach(() => {
  written = ''
  const take = (text: string | Uint8Array) => {
    written += String(text)
    return true
  }
  vi.spyOn(process.stderr, 'write').mockImplementation(take)
  vi.spyOn(process.stdout, 'write').mockImplementation(take)
})
afterEach(() => {
  vi.restoreAllMocks()
  Object.assign(process.stderr, { isTTY, columns })
})

const progress = { done: 3, total: 4, label: 'steps', error: null }

describe('bar()', () => {
  test('draws on a terminal, each state over the one before', () => {
    pretend({ isTTY: true, columns: 60 })
    const bar = createTerminal(false).bar()
    bar.show(progress)
    bar.show({ ...progress, done: 4 })
    bar.end()
    expect(written.split('\r\u001b[2K')).toEqual([
      '',
      expect.stringMatching(/^█+░+ 3\/4 {2}steps$/),
      expect.stringMatching(/^█+ 4\/4 {2}steps\n$/),
    ])
  })

  test('cuts nothing off on a terminal that does not tell its width', () => {
    pretend({ isTTY: true, columns: 0 })
    createTerminal(false).bar().show(progress)
    expect(written).toMatch(/3\/4 {2}steps$/)
  })

  test('prints the last state in words off a terminal, without a bar', () => {
    pretend({ isTTY: false, columns: undefined })
    const bar = createTerminal(false).bar()
    bar.show({ ...progress, done: 1 })
    bar.show(progress)
    bar.end()
    expect(written).toBe('3/4  steps\n')
  })

  test('draws nothing more once it has ended', () => {
    pretend({ isTTY: true, columns: 60 })
    const bar = createTerminal(false).bar()
    bar.show(progress)
    bar.end()
    const before = written
    bar.show({ ...progress, done: 4 })
    bar.end()
    expect(written).toBe(before)
  })

  test('says nothing with --json', () => {
    pretend({ isTTY: true, columns: 60 })
    const bar = createTerminal(true).bar()
    bar.show(progress)
    bar.end()
    expect(written).toBe('')
  })
})
