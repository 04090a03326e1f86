import { expect, test } from 'vitest'
import * as z from 'zod'
import {
  cli,
  command,
  defineAnnotation,
  progress,
  query,
  readCli,
  readProgress,
  subscription,
} from '../../src/index.ts'

test('defineAnnotation() reads back what it wrote, and nothing of others', () => {
  const price = defineAnnotation<number>('test-price')
  const colour = defineAnnotation<string>('test-colour')
  const operation = query({}, price.on<unknown>(5))
  expect(price.read(operation)).toBe(5)
  expect(colour.read(operation)).toBeUndefined()
  expect(price.read(query({}))).toBeUndefined()
})

test('defineAnnotation() of the same name reads what another install wrote', () => {
  const operation = query({}, defineAnnotation<number>('test-shared').on<unknown>(1))
  expect(defineAnnotation<number>('test-shared').read(operation)).toBe(1)
})

test('cli() and progress() are kept for the command line to read', () => {
  const usage = { usage: 'add <path>', paths: ['path'] }
  expect(readCli(command({ input: z.object({ path: z.string() }) }, cli(usage)))).toEqual(usage)
  const item = z.object({ done: z.number(), total: z.number() })
  const bar = readProgress(
    subscription(
      { output: item },
      progress(({ done, total }) => ({ done, total, label: 'files' })),
    ),
  )
  expect(bar).toBeTypeOf('function')
})
