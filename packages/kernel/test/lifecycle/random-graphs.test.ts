import { expect, test } from 'vitest'
import { type Component, Lifecycle, type Lifetime } from '../../src/index.ts'
import { createFakeClock, type FakeClock } from '../../src/testing.ts'

/** Lets what was just begun fall asleep before time moves on. */
async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  await clock.advance(0)
  await clock.advance(milliseconds)
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Opened {
  readonly name: string
  closes: number
}

/** A graph without cycles whose components start late, fail, hang, and fail again while they run. */
function randomGraph(random: () => number, clock: FakeClock) {
  const opened: Opened[] = []
  const problems: string[] = []
  const open = new Map<string, number>()
  const lifetimes: Lifetime[] = []
  const size = 1 + Math.floor(random() * 8)
  const components = Array.from({ length: size }, (_, index): Component => {
    const name = `c${index}`
    const dependsOn: string[] = []
    const optional: string[] = []
    for (let other = 0; other < index; other++) {
      const draw = random()
      if (draw < 0.25) dependsOn.push(`c${other}`)
      else if (draw < 0.35) optional.push(`c${other}`)
    }
    const failsToStart = random() < 0.12
    return {
      name,
      dependsOn,
      optional,
      startTimeoutMs: 50,
      closeTimeoutMs: 50,
      start: async (lifetime) => {
        for (const needed of dependsOn) if (!open.get(needed)) problems.push(`${name} started before ${needed}`)
        const resource: Opened = { name, closes: 0 }
        opened.push(resource)
        lifetimes.push(lifetime)
        lifetime.onClose(async () => {
          resource.closes++
          open.set(name, (open.get(name) ?? 1) - 1)
          if (random() < 0.3) await clock.sleep(random() * 80)
          if (random() < 0.1) throw new Error(`${name} closes badly`)
        })
        open.set(name, (open.get(name) ?? 0) + 1)
        if (random() < 0.6) await clock.sleep(random() * 60)
        if (failsToStart && random() < 0.8) throw new Error(`${name} does not start`)
      },
    }
  })
  return { components, opened, problems, open, lifetimes }
}

test('Lifecycle keeps its promises over 1,000 random graphs with failures, delays and time-outs', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const seen = { started: 0, refused: 0, restarted: 0 }
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = randomOf(seed)
    const clock = createFakeClock()
    const { components, opened, problems, lifetimes } = randomGraph(random, clock)
    const running = new Set<string>()
    const lifecycle = new Lifecycle(
      (name, state) => {
        const ran = running.delete(name)
        if (state === 'running') running.add(name)
        const { dependsOn = [] } = components.find((one) => one.name === name) ?? {}
        if (state === 'starting' && !dependsOn.every((needed) => running.has(needed)))
          problems.push(`${name} began before its dependencies ran`)
        if (state === 'closing' && ran && isClosing)
          for (const other of components)
            if (other.dependsOn.includes(name) && running.has(other.name))
              problems.push(`${name} was closed before ${other.name}`)
      },
      { clock, random },
    )
    let isClosing = false
    for (const component of components) lifecycle.add(component)
    let outcome = 'pending'
    const started = lifecycle.start().then(
      () => (outcome = 'started'),
      () => (outcome = 'refused'),
    )
    await pass(clock, random() < 0.2 ? 30 : 2_000)
    if (outcome === 'started') {
      seen.started++
      for (const lifetime of lifetimes.slice()) if (random() < 0.3) lifetime.failed(new Error('broke'))
      const before = opened.length
      await pass(clock, random() * 3_000)
      if (opened.length > before) seen.restarted++
    }
    isClosing = true
    const closed = Promise.allSettled([lifecycle.close(), lifecycle.close()])
    await pass(clock, 5_000)
    await closed
    await started
    if (outcome === 'refused') seen.refused++
    const wrong = opened
      .filter(({ closes }) => closes !== 1)
      .map(({ name, closes }) => `${name} closed ${closes} times`)
    const states = components.map(({ name }) => lifecycle.status(name)?.state)
    if (running.size > 0 || states.some((state) => state === 'running' || state === 'starting' || state === 'closing'))
      problems.push(`still ${states}`)
    if (lifecycle.status('c0')?.isRestarting || clock.sleeping > 0) problems.push('something still waits')
    expect({ seed, problems: [...problems, ...wrong] }).toEqual({ seed, problems: [] })
  }
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100)
})
