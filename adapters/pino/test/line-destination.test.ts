import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openLineDestination } from '../src/line-destination.ts'

test('openLineDestination() waits for the reader of a full pipe', async () => {
  const module = fileURLToPath(new URL('../src/line-destination.ts', import.meta.url))
  // Reading standard output's stream first makes its pipe non-blocking in Node, as it is in many programs.
  const program = `import { openLineDestination } from ${JSON.stringify(module)}
    process.stdout.writableLength
    const lines = openLineDestination(1)
    for (let index = 0; index < 400; index++) lines.write(index + ' ' + 'x'.repeat(1000) + '\\n')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.setEncoding('utf8')
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  if (child.exitCode === null) await once(child, 'exit')
  expect(child.exitCode).toBe(0)
  const lines = text.trimEnd().split('\n')
  expect(lines.map((line) => Number(line.split(' ')[0]))).toEqual(Array.from({ length: 400 }, (_, index) => index))
})

test('openLineDestination() keeps a line that a full disk cut apart from the next', () => {
  let [written, room] = ['', 13]
  const lines = openLineDestination(1, (_descriptor, bytes) => {
    if (room === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    const taken = Buffer.from(bytes).subarray(0, room).toString()
    written += taken
    room -= taken.length
    return taken.length
  })
  lines.write('{"i":1}\n')
  expect(() => lines.write('{"i":2}\n')).toThrow('no space left')
  expect(() => lines.write('{"i":3}\n')).toThrow('no space left')
  room = 100
  lines.write('{"i":4}\n')
  lines.write('{"i":5}\n')
  expect(written).toBe('{"i":1}\n{"i":\n{"i":4}\n{"i":5}\n')
})
