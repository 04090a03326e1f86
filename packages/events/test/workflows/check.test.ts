/** Whether the check of stored runs finds what would break, and accuses nothing else: changes of one workflow that people make. */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { checkHistories, type Workflow, type WorkflowContext, type WorkflowHistory } from '../../src/index.ts'
import { orderWorkflow, type Run, recorded } from './recorded-runs.ts'

const text = z.string()
const ship = { ...orderWorkflow(async () => 'shipped'), name: 'ship', input: z.unknown(), run: async () => 'shipped' }
const courier = { ...ship, name: 'courier' }

/** The parts of the workflow, so that each change is one part that differs. */
const parts = {
  reserve: async (w: WorkflowContext) => w.step('reserve', () => ({ stock: 5 })),
  charge: async (w: WorkflowContext) => w.step('charge', () => 'paid', { attempts: 3 }),
  prepare: async (w: WorkflowContext): Promise<unknown> =>
    Promise.all([w.step('pack', () => 'packed'), w.step('label', () => 'labelled')]),
  cool: async (w: WorkflowContext) => w.sleep('cool', 1_000),
  approve: async (w: WorkflowContext): Promise<unknown> => w.waitFor('approved', text),
  ship: async (w: WorkflowContext) => w.child('parcel', ship, { to: 'ada' }),
  notify: async (w: WorkflowContext, input: Record<string, unknown>) => {
    for (let at = 0; at < Number(input['items']); at++) await w.step('notify', () => at)
  },
  gift: async (w: WorkflowContext, input: Record<string, unknown>): Promise<unknown> =>
    input['isGift'] ? w.step('wrap', () => 'wrapped') : undefined,
  thank: async (w: WorkflowContext, _input: Record<string, unknown>, _stock: number): Promise<unknown> =>
    w.step('thank', () => 'thanked'),
}

type Parts = typeof parts

function order(changed: Partial<Parts> = {}): Run {
  const all = { ...parts, ...changed }
  return async (w, input) => {
    const { stock } = await all.reserve(w)
    await all.charge(w)
    await all.prepare(w)
    await all.cool(w)
    await all.approve(w)
    await all.ship(w)
    await all.notify(w, input)
    await all.gift(w, input)
    return all.thank(w, input, stock)
  }
}

const inOrder =
  (...names: readonly ('reserve' | 'charge' | 'prepare' | 'cool' | 'approve' | 'ship')[]): Run =>
  async (w, input) => {
    for (const name of names) await parts[name](w)
    await parts.notify(w, input)
    await parts.gift(w, input)
    return parts.thank(w, input, 0)
  }

const breaks: Readonly<Record<string, Run | Workflow>> = {
  'a step is renamed': order({ charge: (w) => w.step('charge-card', () => 'paid') }),
  'a step is inserted before others': order({
    reserve: async (w) => {
      await w.step('check', () => 1)
      return parts.reserve(w)
    },
  }),
  'a step is inserted in the middle': order({
    cool: async (w) => {
      await w.step('weigh', () => 1)
      await parts.cool(w)
    },
  }),
  'a step is removed': order({ charge: async () => 'paid' }),
  'the last step is removed': order({ thank: async () => 'thanked' }),
  'steps are reordered': inOrder('charge', 'reserve', 'prepare', 'cool', 'approve', 'ship'),
  'a step and a timer are reordered': inOrder('reserve', 'charge', 'cool', 'prepare', 'approve', 'ship'),
  'a step becomes a timer': order({ charge: (w) => w.sleep('charge', 1).then(() => 'paid') }),
  'a step becomes a child': order({ charge: (w) => w.child('charge', ship, {}) }),
  'a timer is removed': order({ cool: async () => {} }),
  'a timer is renamed': order({ cool: (w) => w.sleep('cool down', 1_000) }),
  'a wait is renamed': order({ approve: (w) => w.waitFor('accepted', text) }),
  'a wait is removed': order({ approve: async () => 'ada' }),
  'a wait asks for another form': order({ approve: (w) => w.waitFor('approved', z.object({ by: text })) }),
  'a child is of another workflow': order({ ship: (w) => w.child('parcel', courier, { to: 'ada' }) }),
  'a child is renamed': order({ ship: (w) => w.child('letter', ship, { to: 'ada' }) }),
  'a loop goes round less often': order({
    notify: async (w, input) => parts.notify(w, { items: Number(input['items']) - 1 }),
  }),
  'a loop goes round once more': order({
    notify: async (w, input) => parts.notify(w, { items: Number(input['items']) + 1 }),
  }),
  'one of two side by side is removed': order({ prepare: (w) => w.step('label', () => 'labelled') }),
  'a condition is turned round': order({ gift: (w, input) => parts.gift(w, { isGift: !input['isGift'] }) }),
  'the code throws where it did not': order({
    charge: async (w) => {
      await parts.charge(w)
      throw new TypeError('stock is not a function')
    },
  }),
  'the input takes another form': { ...orderWorkflow(order()), input: z.object({ items: z.string() }) },
  'the version is gone': { ...orderWorkflow(order()), version: 2 },
}

const harmless: Readonly<Record<string, Run>> = {
  'nothing is changed': order(),
  'the work of a step is changed': order({ charge: (w) => w.step('charge', () => 'paid by card', { attempts: 3 }) }),
  'the tries of a step are changed': order({ charge: (w) => w.step('charge', () => 'paid', { attempts: 9 }) }),
  'the time limit of a step is changed': order({ charge: (w) => w.step('charge', () => 'paid', { timeoutMs: 1 }) }),
  'a timer is longer': order({ cool: (w) => w.sleep('cool', 86_400_000) }),
  'a timer has a date': order({ cool: (w) => w.sleep('cool', new Date(0)) }),
  'a wait has a time limit': order({ approve: (w) => w.waitFor('approved', text, { timeoutMs: 1_000_000 }) }),
  'a wait takes more forms': order({ approve: (w) => w.waitFor('approved', z.union([text, z.number()])) }),
  'a child gets another input': order({ ship: (w) => w.child('parcel', ship, { to: 'bob', fast: true }) }),
  'steps side by side are listed the other way round': order({
    prepare: (w) => Promise.all([w.step('label', () => 'labelled'), w.step('pack', () => 'packed')]),
  }),
  'steps one after the other are done side by side': async (w, input) => {
    await Promise.all([parts.reserve(w), parts.charge(w)])
    for (const name of ['prepare', 'cool', 'approve', 'ship'] as const) await parts[name](w)
    await parts.notify(w, input)
    await parts.gift(w, input)
    return parts.thank(w, input, 0)
  },
  'a step is added at the end': order({
    thank: async (w, ...rest) => {
      await parts.thank(w, ...rest)
      return w.step('survey', () => 1)
    },
  }),
  'another result is returned': order({ thank: async (w, ...rest) => ({ said: await parts.thank(w, ...rest) }) }),
  'the code is split up': async (w, input) => order()(w, { ...input }),
  'failures are caught': async (w, input) => {
    try {
      return await order()(w, input)
    } catch {
      return w.step('sorry', () => 1)
    }
  },
  'a step is undone in finally': async (w, input) => {
    let isDone = false
    try {
      const result = await order()(w, input)
      isDone = true
      return result
    } finally {
      if (!isDone) await w.step('undo', () => 1)
    }
  },
  'a step is inserted behind a patch': order({
    cool: async (w) => {
      if (w.patched('weigh')) await w.step('weigh', () => 1)
      await parts.cool(w)
    },
  }),
  'a step is renamed behind a patch': order({
    charge: (w) => (w.patched('card') ? w.step('charge-card', () => 'paid') : parts.charge(w)),
  }),
  'a step is removed behind a patch': order({
    charge: async (w) => (w.patched('free') ? 'paid' : parts.charge(w)),
  }),
  'time and randomness are used': async (w, input) => {
    const from = w.now() + w.random()
    const result = await order()(w, input)
    return { result, took: w.now() - from }
  },
  'the time of the machine passes while it decides': async (w, input) => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    return order()(w, input)
  },
}

async function histories(): Promise<readonly WorkflowHistory[]> {
  const inputs = [
    { items: 2, isGift: true },
    { items: 3, isGift: false },
  ]
  const runs = inputs.flatMap((input, at) => [
    recorded(order(), `ended-${at}`, input, ['ada']),
    recorded(order(), `waiting-${at}`, input, []),
  ])
  return Promise.all(runs)
}

async function problems(changed: Run | Workflow, runs: readonly WorkflowHistory[]): Promise<readonly string[]> {
  const definition = typeof changed === 'function' ? orderWorkflow(changed) : changed
  const found: string[] = []
  for await (const { id, problem } of checkHistories([definition], runs)) if (problem) found.push(`${id}: ${problem}`)
  return found
}

describe('checkHistories()', async () => {
  const runs = await histories()

  it.each(Object.entries(breaks))('finds what would break when %s', async (_, changed) => {
    const found = await problems(changed, runs)
    expect(found.length).toBeGreaterThan(0)
  })

  it.each(Object.entries(harmless))('accuses nothing when %s', async (_, changed) => {
    expect(await problems(changed, runs)).toEqual([])
  })

  it('says what differs, and where', async () => {
    const found = await problems(order({ charge: (w) => w.step('charge-card', () => 'paid') }), runs)
    expect(found).toContain(
      'waiting-0: "waiting-0" of the workflow "order" asks for a step "charge-card" where its journal has a step "charge" (record 3)',
    )
  })
})
