import { describe, expect, it } from 'vitest'
import { type RecordedCall, record, replay, startForTest } from '../../src/testing.ts'
import { Greeter, greeter } from '../greeter.ts'
import { NotesV1, NotesV2, notesV1, notesV2 } from '../notes-versions.ts'

async function recorded(): Promise<RecordedCall[]> {
  const calls: RecordedCall[] = []
  await using system = await startForTest({ services: [record(greeter, calls)] })
  const facade = system.get(Greeter)
  await facade.greet({ name: 'Ann' })
  await facade.greet({ times: 2, name: 'Bob' })
  await facade.ping()
  await facade.fail({ how: 'plain' }).catch(() => {})
  for await (const _ of facade.count({ to: 2 }));
  // A recording is kept as a file, so it must survive that.
  return JSON.parse(JSON.stringify(calls))
}

describe('record() and replay()', () => {
  it('answers as the recorded service did, whatever the order of keys', async () => {
    await using system = await startForTest({ services: [replay(Greeter, await recorded())] })
    const facade = system.get(Greeter)
    expect(await facade.greet({ name: 'Bob', times: 2 })).toMatchObject({ text: 'Hello, Bob Hello, Bob' })
    expect(await facade.greet({ name: 'Ann' })).toMatchObject({ text: 'Hello, Ann' })
    expect(await facade.greet({ name: 'Ann' })).toMatchObject({ text: 'Hello, Ann' })
    expect(await facade.ping()).toBeUndefined()
    const items: unknown[] = []
    for await (const item of facade.count({ to: 2 })) items.push(item)
    expect(items).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('fails where the recorded service failed, without what was secret', async () => {
    await using system = await startForTest({ services: [replay(Greeter, await recorded())] })
    const failure = await system
      .get(Greeter)
      .fail({ how: 'plain' })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'OPERATION_FAILED', message: expect.not.stringContaining('hunter2') })
  })

  it('gives answers of the same call in the order in which they were recorded', async () => {
    const of = (text: string) => ({
      service: 'greeter',
      operation: 'greet',
      input: { name: 'Ann', times: 1 },
      output: { text },
    })
    await using system = await startForTest({ services: [replay(Greeter, [of('first'), of('second')])] })
    const texts = [1, 2, 3].map(async () => (await system.get(Greeter).greet({ name: 'Ann' })).text)
    expect(await Promise.all(texts)).toEqual(['first', 'second', 'second'])
  })

  it('refuses a call that was never recorded, by name and with its input', async () => {
    await using system = await startForTest({ services: [replay(Greeter, await recorded())] })
    await expect(system.get(Greeter).greet({ name: 'Eve' })).rejects.toMatchObject({
      code: 'CALL_NOT_RECORDED',
      details: { operation: 'greeter.greet', input: '{"name":"Eve","times":1}' },
    })
  })

  it('keeps what had been read of a subscription that the caller left', async () => {
    const calls: RecordedCall[] = []
    await using system = await startForTest({ services: [record(greeter, calls)] })
    for await (const { n } of system.get(Greeter).count({ to: 100 })) if (n === 2) break
    expect(calls).toMatchObject([
      { service: 'greeter', version: '1.2.3', operation: 'count', input: { to: 100 }, items: [{ n: 1 }, { n: 2 }] },
    ])
  })

  it('keeps the calls of two major versions apart', async () => {
    const calls: RecordedCall[] = []
    const ask = async (services: Parameters<typeof startForTest>[0]['services']) => {
      await using system = await startForTest({ services })
      const first = await system.registry.resolve(NotesV1).get({ id: 'a' })
      return [first, await system.registry.resolve(NotesV2).get({ id: 'a' })]
    }
    const answers = await ask([record(notesV1, calls), record(notesV2, calls)])
    expect(await ask([replay(NotesV2, calls), replay(NotesV1, calls)])).toEqual(answers)
  })
})
