/**
 * What benchmarks measure with. On a shared machine noise comes in waves, so subjects take turns, one short round each, and the median
 * over rounds is reported: a wave then hits all subjects alike and a spike hits none.
 */

/** Something to measure, under the name it is reported by. */
export interface Subject {
  readonly name: string
  /** Performs `operations` operations and resolves when the last is done. A loop inside keeps the harness out of the figure. */
  run(operations: number): Promise<unknown> | unknown
}

export interface MeasureOptions {
  /** Rounds that count, per subject. Odd, so that the median is a measured value. */
  readonly rounds?: number
  /** How long one round should take; the number of operations is chosen from it, per subject. */
  readonly roundMs?: number
  /** Rounds that do not count, before the others, per subject. */
  readonly warmUpRounds?: number
}

/** Medians over rounds. */
export interface Measurement {
  readonly subject: string
  /** Wall-clock nanoseconds per operation. */
  readonly nsPerOperation: number
  /** Nanoseconds of processor time per operation, all threads of this process together. */
  readonly cpuNsPerOperation: number
  /** Operations per round. */
  readonly operations: number
}

/**
 * Measures every subject, round-robin. Rejects with what a subject rejects with. Under `--expose-gc`, garbage of one round is collected
 * before the next, so that no subject pays for another's.
 *
 * @example
 * const [direct, facade] = await measure([
 *   { name: 'direct', run: async (operations) => { for (let i = 0; i < operations; i++) await greet('a') } },
 *   { name: 'facade', run: async (operations) => { for (let i = 0; i < operations; i++) await greeter.greet('a') } },
 * ])
 */
export async function measure(subjects: readonly Subject[], options: MeasureOptions = {}): Promise<Measurement[]> {
  const { rounds = 11, roundMs = 50, warmUpRounds = 3 } = options
  const laps: { subject: Subject; operations: number; wall: number[]; cpu: number[] }[] = []
  for (const subject of subjects) {
    const operations = await operationsPer(subject, roundMs)
    laps.push({ subject, operations, wall: [] as number[], cpu: [] as number[] })
  }
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const lap of laps) {
      const { wallNs, cpuNs } = await timed(lap.subject, lap.operations)
      if (round < 0) continue
      lap.wall.push(wallNs / lap.operations)
      lap.cpu.push(cpuNs / lap.operations)
    }
  }
  return laps.map(({ subject, operations, wall, cpu }) => ({
    subject: subject.name,
    nsPerOperation: median(wall),
    cpuNsPerOperation: median(cpu),
    operations,
  }))
}

/** The middle value, or the mean of the middle two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Doubles the number until a round takes long enough to extrapolate from. */
async function operationsPer(subject: Subject, roundMs: number): Promise<number> {
  const wantedNs = roundMs * 1e6
  for (let operations = 1; ; operations *= 2) {
    const { wallNs } = await timed(subject, operations)
    if (wallNs >= wantedNs / 4) return Math.max(1, Math.round((operations * wantedNs) / wallNs))
  }
}

async function timed(subject: Subject, operations: number): Promise<{ wallNs: number; cpuNs: number }> {
  globalThis.gc?.()
  const cpuBefore = process.cpuUsage()
  const before = process.hrtime.bigint()
  await subject.run(operations)
  const wallNs = Number(process.hrtime.bigint() - before)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { wallNs, cpuNs: (user + system) * 1000 }
}
