/** The in-memory twin of the `Log` port: keeps every record, for tests and as the reference that adapters are compared with. */
import type { Log } from './log.ts'
import { type LogOptions, logTo } from './log-to.ts'
import type { LogRecord } from './record.ts'

export interface InMemoryLog extends Log {
  /** Everything logged so far, by this log and its children, in order. It grows without bound. */
  readonly records: readonly LogRecord[]
}

/** Its level is `debug` unless another is given: a test wants to see everything. */
export function createInMemoryLog(options: LogOptions = {}): InMemoryLog {
  const records: LogRecord[] = []
  const log = logTo(
    {
      write: (record) => {
        records.push(record)
      },
      flush: () => {},
      close: () => {},
    },
    { level: 'debug', ...options },
  )
  return { ...log, records }
}
