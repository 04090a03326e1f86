/**
 * Whether the heap stays flat: a started system is called a million times with everything on, one call in ten fails, and its configuration
 * is reloaded a thousand times. The heap is measured after a collection at the start, once warm, and after each of the two.
 */
import { command, defineContract } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { createInMemoryLog } from '@keelson/telemetry'
import * as z from 'zod'
import type { BenchmarkResult } from '../../tools/bench.ts'

const Orders = defineContract('orders', '1.0.0', {
  place: command({ input: z.object({ id: z.string(), quantity: z.int() }), output: z.object({ id: z.string() }) }),
})
const orders = defineService(Orders, {
  config: z.object({ limit: z.int().default(0) }),
  start: () => ({
    place: async ({ id, quantity }) => {
      if (quantity === 0) throw new Error('nothing to place')
      return { id }
    },
  }),
})

const warmUpCalls = 100_000
const calls = 1_000_000
const reloads = 1_000

export async function run(): Promise<BenchmarkResult> {
  // A log that keeps nothing: the one of tests keeps every line.
  await using system = await startForTest({ services: [orders], log: createInMemoryLog({ level: 'fatal' }) })
  const { place } = system.get(Orders)
  const work = async (count: number) => {
    for (let i = 0; i < count; i++) await place({ id: `order-${i}`, quantity: i % 10 }).catch(() => {})
  }
  const before = heapMegabytes()
  await work(warmUpCalls)
  const warm = heapMegabytes()
  await work(calls)
  const after = heapMegabytes()
  const reload = async (count: number) => {
    for (let limit = 1; limit <= count; limit++) await system.configuration.update('orders.limit', limit)
  }
  await reload(100)
  const beforeReloads = heapMegabytes()
  await reload(reloads)
  const afterReloads = heapMegabytes()
  const growth = after - warm
  const reloadGrowth = afterReloads - beforeReloads
  return {
    rows: [
      { subject: 'started', metric: 'heap', value: before, unit: 'MiB' },
      { subject: `after ${warmUpCalls} calls`, metric: 'heap', value: warm, unit: 'MiB' },
      { subject: `after ${calls} more`, metric: 'heap', value: after, unit: 'MiB' },
      { subject: 'after 100 reloads', metric: 'heap', value: beforeReloads, unit: 'MiB' },
      { subject: `after ${reloads} more`, metric: 'heap', value: afterReloads, unit: 'MiB' },
    ],
    targets: [
      { name: 'growth over the last million calls, below', value: growth, bound: 1, unit: 'MiB', reached: growth < 1 },
      {
        name: 'growth over the last thousand reloads, below',
        value: reloadGrowth,
        bound: 1,
        unit: 'MiB',
        reached: reloadGrowth < 1,
      },
    ],
  }
}

function heapMegabytes(): number {
  if (!globalThis.gc) throw new Error('Run this benchmark with --expose-gc')
  for (let i = 0; i < 3; i++) globalThis.gc()
  return process.memoryUsage().heapUsed / 2 ** 20
}
