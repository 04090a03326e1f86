import { describe, expect, it } from 'vitest'
import { missingServers } from '../real-servers.ts'
import { soakEvents } from '../soak/events.ts'

const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
const isSkipped = missing.length > 0 && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'

describe.skipIf(isSkipped)('npm run soak', { timeout: 600_000 }, () => {
  it('of events: 50 kills break no promise of log, projections and workflows', async () => {
    const { rows, violations } = await soakEvents(50, 20261127)
    expect(violations).toEqual([])
    const counted = new Map(rows.map(({ what, count }) => [what, count]))
    expect(counted.get('of them acknowledged')).toBeGreaterThan(200)
    expect(counted.get('steps of workflows')).toBeGreaterThan(10)
  })
})
