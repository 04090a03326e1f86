import { command, createCall, defineContract, KeelsonError, query, subscription } from '@keelson/kernel'
import { deadline } from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Authorise } from '../../src/facade/call-plan.ts'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { outcome } from './backend.ts'

const Note = z.object({ id: z.int().min(1) })
const Notes = defineContract('notes', '1.0.0', {
  read: query({ input: Note, output: z.string() }),
  write: command({ input: Note, output: z.string() }, deadline('1s')),
  watch: subscription({ input: Note, output: z.string() }),
})
const Reader = defineContract('reader', '1.0.0', { read: query({ input: Note, output: z.string() }) })

const forbidden = (code: string) => new KeelsonError({ code, message: 'no', kind: 'forbidden' })

async function startNotes(authorise: Authorise) {
  const notes = defineService(Notes, {
    start: () => ({
      read: () => 'read',
      write: () => 'written',
      async *watch() {
        yield 'watched'
      },
    }),
  })
  const reader = defineService(Reader, {
    uses: { notes: Notes },
    start: ({ notes: used }) => ({ read: (note) => used.read(note) }),
  })
  return startForTest({ services: [notes, reader], authorise })
}

describe('the authorisation of a host', () => {
  for (const isLate of [false, true]) {
    const answer = (refusal: Error | undefined) => {
      if (isLate) return refusal ? Promise.reject(refusal) : Promise.resolve()
      if (refusal) throw refusal
      return undefined
    }

    it(`asks who calls before it looks at the input, and about the input after (${isLate ? 'late' : 'at once'})`, async () => {
      await using system = await startNotes((service) =>
        service === 'notes'
          ? {
              ofCaller: ({ origin }) => answer(origin.identity.subject ? undefined : forbidden('WHO')),
              ofInput: (input) => answer((input as { id: number }).id === 7 ? forbidden('NOT_YOURS') : undefined),
            }
          : undefined,
      )
      const { read, write, watch } = system.get(Notes)
      const ada = () => createCall({ subject: 'ada' })
      const first = async (id: number, call = ada()) => (await watch({ id }, call)[Symbol.asyncIterator]().next()).value
      for (const ask of [read, write]) {
        expect(await outcome(ask({ id: 0 }))).toBe('WHO')
        expect(await outcome(ask({ id: 0 }, ada()))).toBe('OPERATION_INPUT_INVALID')
        expect(await outcome(ask({ id: 7 }, ada()))).toBe('NOT_YOURS')
      }
      expect([await read({ id: 1 }, ada()), await write({ id: 1 }, ada())]).toEqual(['read', 'written'])
      expect(await outcome(first(0, createCall()))).toBe('WHO')
      expect(await outcome(first(0))).toBe('OPERATION_INPUT_INVALID')
      expect(await outcome(first(7))).toBe('NOT_YOURS')
      expect(await first(1)).toBe('watched')
    })
  }

  it('is told which service calls', async () => {
    const callers: string[] = []
    await using system = await startNotes((_, operation) =>
      operation === 'read' ? { ofCaller: ({ caller }) => void callers.push(caller) } : undefined,
    )
    await system.get(Reader).read({ id: 1 })
    await system.get(Notes).read({ id: 1 })
    expect(callers).toEqual(['', 'reader', ''])
  })
})
