import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli, command, defineContract } from '@keelson/kernel'
import { defineService, defineSystem } from '@keelson/services'
import { Command } from 'commander'
import { afterAll, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { addContractCommands } from '../../src/commands/operation.ts'

const root = mkdtempSync(join(tmpdir(), 'keelson-operation-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const Limit = z.int().meta({ id: 'CommandLimit' })
const Shop = defineContract('shop', '1.0.0', {
  add: command(
    {
      input: z.object({
        names: z.array(z.string()),
        tags: z.array(z.int()).optional(),
        limit: Limit.optional(),
        loud: z.boolean().default(true),
        note: z.string().nullable().optional(),
        near: z.object({ lat: z.number() }).optional(),
      }),
    },
    cli({ usage: 'add <names...>' }),
  ),
  odd: command({ input: z.object({ constructor: z.string() }) }, cli({ usage: 'odd' })),
  say: command({ input: z.object({ text: z.string() }) }, cli({ usage: 'say <text...>' })),
})

/** What the implementation is given when somebody types these words. */
async function typed(...words: string[]): Promise<unknown> {
  const given = vi.fn()
  const shop = defineService(Shop, { start: () => ({ add: given, odd: given, say: given }) })
  const system = defineSystem({ name: 'typed', services: [shop] })
  const program = new Command().option('--json').option('--data <folder>').exitOverride()
  addContractCommands(program, { system, root })
  await program.parseAsync([...words, '--data', root], { from: 'user' })
  return given.mock.calls[0]?.[0]
}

it('gives lists, switches, named schemas and objects as they are typed', async () => {
  expect(await typed('add', 'a', '5', '--tags', '1', '--tags', '2', '--limit', '5')).toEqual({
    names: ['a', '5'],
    tags: [1, 2],
    limit: 5,
    loud: true,
  })
  expect(await typed('add', 'a', '--no-loud', '--note', 'null', '--near', '{"lat":1}')).toEqual({
    names: ['a'],
    loud: false,
    note: null,
    near: { lat: 1 },
  })
  expect(await typed('add', 'a', '--loud', '--tags', '7')).toEqual({
    names: ['a'],
    tags: [7],
    loud: true,
  })
  expect(await typed('odd', '--constructor', 'x')).toEqual({ constructor: 'x' })
  await expect(typed('odd')).rejects.toMatchObject({ code: 'OPERATION_INPUT_INVALID' })
  expect(await typed('say', 'a', '5')).toEqual({ text: 'a 5' })
})

it('refuses what is not of the type', async () => {
  for (const words of [
    ['--limit', '0x10'],
    ['--limit', '9007199254740993'],
    ['--tags', 'x'],
  ])
    await expect(typed('add', 'a', ...words)).rejects.toMatchObject({ code: 'OPERATION_INPUT_INVALID' })
})
