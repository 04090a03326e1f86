import { describe, expect, test } from 'vitest'
import { measure, median } from '../measure.ts'

describe('measure()', () => {
  test('lets subjects take turns, each with its own number of operations in every round', async () => {
    const laps: string[] = []
    const subject = (name: string) => ({
      name,
      run: async (operations: number) => {
        let sum = 0
        for (let i = 0; i < operations; i++) sum += Math.sqrt(i)
        laps.push(`${name} ${operations}`)
        return sum
      },
    })
    const measured = await measure([subject('a'), subject('b')], { rounds: 3, roundMs: 1, warmUpRounds: 1 })
    expect(measured.map((one) => one.subject)).toEqual(['a', 'b'])
    const [a, b] = measured
    const turn = [`a ${a?.operations}`, `b ${b?.operations}`]
    expect(laps.slice(-8)).toEqual([...turn, ...turn, ...turn, ...turn])
    for (const one of measured) expect(one.nsPerOperation).toBeGreaterThan(0)
    for (const one of measured) expect(one.cpuNsPerOperation).toBeGreaterThanOrEqual(0)
  })

  test('rejects with what a subject rejects with', async () => {
    const broken = { name: 'broken', run: () => Promise.reject(new Error('no')) }
    await expect(measure([broken])).rejects.toThrow('no')
  })
})

describe('median()', () => {
  test('is the middle value, or the mean of the middle two', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([10, 1, 2, 100])).toBe(6)
    expect(median([])).toBeNaN()
  })
})
